#include "tool/efuse_audit.h"

#include <stdio.h>

#include "chain/efuse_audit.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/efuse_file.h"

#define SEVERITIES 3

enum { OPTION_JSON = CLI_LONG };

static const char *const severity_names[SEVERITIES] = {
    [EFUSE_INFO] = "info", [EFUSE_WARNING] = "warning", [EFUSE_ERROR] = "error"};

struct audit_options {
    const char *file;
    bool json;
};

static error_t parse_audit(int key, char *text, struct argp_state *state)
{
    struct audit_options *options = state->input;
    if (key == OPTION_JSON) {
        options->json = true;
        return 0;
    }
    return cli_one_argument(key, text, &options->file, "eFuse file", state);
}

/* What software reads has no key that it may not: nothing can be said of its strength. */
static bool judged(const struct efuse_file *file, const struct efuse_rule *rule)
{
    return file->form == EFUSE_FORM_QEMU || !rule->reads_secret;
}

static bool broken(const struct efuse_file *file, const struct efuse_rule *rule)
{
    return judged(file, rule) && rule->broken(&file->efuse);
}

static size_t count_findings(const struct efuse_file *file, enum efuse_severity severity)
{
    size_t count = 0;
    for (size_t i = 0; i < efuse_rule_count; i++)
        count += efuse_rules[i].severity == severity && broken(file, &efuse_rules[i]);
    return count;
}

/* The gravest first. */
static int audit_print(const struct efuse_file *file)
{
    if (file->form != EFUSE_FORM_QEMU)
        printf("form: %s, without read-protected keys\n", efuse_form_name(file->form));
    for (size_t i = 0; i < efuse_rule_count; i++) {
        if (!judged(file, &efuse_rules[i]))
            printf("not judged: %s\n", efuse_rules[i].name);
    }
    for (int severity = EFUSE_ERROR; severity >= EFUSE_INFO; severity--) {
        for (size_t i = 0; i < efuse_rule_count; i++) {
            const struct efuse_rule *rule = &efuse_rules[i];
            if ((int)rule->severity == severity && broken(file, rule))
                printf("%-8s %-23s %s (%s)\n", severity_names[severity], rule->name, rule->reason,
                       rule->remedy);
        }
    }
    printf("%zu rules: errors %zu, warnings %zu, notes %zu\n", efuse_rule_count,
           count_findings(file, EFUSE_ERROR), count_findings(file, EFUSE_WARNING),
           count_findings(file, EFUSE_INFO));
    return HOST_DONE;
}

static json_t *audit_json(const struct efuse_file *file)
{
    json_t *findings = json_array(), *unjudged = json_array();
    for (size_t i = 0; i < efuse_rule_count; i++) {
        const struct efuse_rule *rule = &efuse_rules[i];
        if (!judged(file, rule))
            json_array_append_new(unjudged, json_string(rule->name));
        if (broken(file, rule))
            json_array_append_new(findings,
                                  json_pack("{s:s, s:s, s:s, s:s}", "rule", rule->name, "severity",
                                            severity_names[rule->severity], "reason", rule->reason,
                                            "remedy", rule->remedy));
    }
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "form", efuse_form_name(file->form), "rules",
        (json_int_t)efuse_rule_count, "errors", (json_int_t)count_findings(file, EFUSE_ERROR),
        "warnings", (json_int_t)count_findings(file, EFUSE_WARNING), "notes",
        (json_int_t)count_findings(file, EFUSE_INFO), "not_judged", unjudged, "findings", findings);
}

int efuse_audit(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"json", OPTION_JSON, NULL, 0, "print the findings as JSON", 0}, {0}};
    static const struct argp argp = {
        options_known,
        parse_audit,
        "FILE",
        "Judge the eFuses of a device that is to leave the factory: what is open, what will not "
        "boot, what is worth knowing, each with its reason and what to do. Exit status 1 when "
        "there is an error among the findings. FILE is an eFuse file, or espefuse's: that of "
        "--virt, or `espefuse summary --format json'.",
        NULL,
        NULL,
        NULL};
    struct audit_options options = {0};
    struct efuse_file file;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = efuse_file_read(options.file, &file);
    if (status != HOST_DONE)
        return status;
    status = options.json ? cli_json_print(audit_json(&file)) : audit_print(&file);
    size_t errors = count_findings(&file, EFUSE_ERROR);
    efuse_file_free(&file);
    if (status == HOST_DONE && errors > 0) {
        fflush(stdout);
        status = host_fail(file_input_name(options.file), "%zu error%s found", errors,
                           errors == 1 ? "" : "s");
    }
    return status;
}
