/* trustchain audit: who did what: the chain of lines in the fleet's store. */
#include "tool/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/error.h"
#include "server/fleet/audit.h"
#include "tool/cli.h"
#include "tool/fleet_store.h"

enum { AUDIT_HEAD = FLEET_STORE_OWN, AUDIT_JSON };

struct audit_options {
    struct fleet_store store;
    const char *head; /* a digest noted earlier */
    bool json;
    struct audit_verdict verdict;
};

static bool is_digest(const char *text)
{
    return strlen(text) == AUDIT_DIGEST_CHARS &&
           strspn(text, "0123456789abcdef") == AUDIT_DIGEST_CHARS;
}

static error_t parse_audit(int key, char *text, struct argp_state *state)
{
    struct audit_options *options = state->input;
    switch (key) {
    case AUDIT_HEAD:
        if (!is_digest(text))
            cli_usage(state, "--head is the %d digits that `audit verify' printed",
                      AUDIT_DIGEST_CHARS);
        options->head = text;
        return 0;
    case AUDIT_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        cli_usage(state, "too many arguments: %s", text);
    default:
        return fleet_store_parse(key, text, &options->store, state);
    }
}

static int walk(struct fleet *fleet, void *context)
{
    struct audit_options *options = context;
    return audit_verify(fleet, options->head, &options->verdict);
}

static int judge(const struct audit_options *options)
{
    const struct audit_verdict *verdict = &options->verdict;
    if (verdict->broken != 0)
        return host_fail("audit",
                         "line %" PRId64 " does not hold: it, or the one before it, was changed or "
                         "taken out (%" PRId64 " lines before it hold)",
                         verdict->broken, verdict->lines);
    if (options->head && !verdict->found)
        return host_fail("audit", "no line has the digest %s: lines were taken off the end",
                         options->head);
    if (options->json)
        return cli_json_print(json_pack("{s:I, s:s*}", "lines", (json_int_t)verdict->lines, "head",
                                        verdict->lines > 0 ? verdict->last : NULL));
    printf("%" PRId64 " lines hold\n", verdict->lines);
    if (verdict->lines > 0)
        printf("head %s\n", verdict->last);
    return HOST_DONE;
}

static int audit_verify_verb(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        FLEET_STORE_OPTIONS,
        {"head", AUDIT_HEAD, "DIGEST", 0,
         "also check that the line is there whose digest was printed earlier", 0},
        {"json", AUDIT_JSON, NULL, 0, "print JSON", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_audit,
        NULL,
        "Check the audit log: each line's digest covers the line before it. Prints the last "
        "digest; kept elsewhere and given as --head later, it shows lines taken off the end too.",
        NULL,
        NULL,
        NULL};
    struct audit_options options = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = fleet_store_run(&options.store, FLEET_STORE_EXISTING, "audit", walk, &options);
    return status == HOST_DONE ? judge(&options) : status;
}

int cmd_audit(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"verify", audit_verify_verb, "check that no line was changed or taken out"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
