/* server/project_parse.c: trustchain.ini in memory (server/project.h). One table has every setting:
 * where it stands, how its value is read, where it goes. */
#include "server/project.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/release/store.h"

#define POLL_SECONDS_MAX 4000000u /* as firmware-of-project has it */

struct reading {
    const char *folder;
    struct release_project *project;
    uint32_t seen; /* a bit for each line of settings[] */
};

/* Reads one value into its field; false when it cannot be used. */
typedef bool take_value(const struct reading *reading, const char *value, void *field);

static bool join(char out[PATH_MAX], const char *folder, const char *path)
{
    int length = path[0] == '/' ? snprintf(out, PATH_MAX, "%s", path)
                                : snprintf(out, PATH_MAX, "%s/%s", folder, path);
    return length >= 0 && length < PATH_MAX;
}

static bool take_path(const struct reading *reading, const char *value, void *field)
{
    return value[0] != '\0' && join(field, reading->folder, value);
}

static bool take_product(const struct reading *reading, const char *value, void *field)
{
    size_t length = strlen(value);
    (void)reading;
    if (!name_valid_product(value, length)) {
        return false;
    }
    memcpy(field, value, length + 1);
    return true;
}

static bool take_channel(const struct reading *reading, const char *value, void *field)
{
    size_t length = strlen(value);
    (void)reading;
    if (!name_valid(value, length)) {
        return false;
    }
    memcpy(field, value, length + 1);
    return true;
}

/* Digits, decimal or after 0x, up to *end. */
static bool read_number(const char *value, uint32_t max, uint32_t *out, char **end)
{
    errno = 0;
    unsigned long number = strtoul(value, end, strncmp(value, "0x", 2) == 0 ? 16 : 10);
    if (value[0] < '0' || value[0] > '9' || errno != 0 || number > max) {
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

static bool take_secure_version(const struct reading *reading, const char *value, void *field)
{
    char *end;
    (void)reading;
    return read_number(value, PROJECT_SECURE_VERSION_MAX, field, &end) && *end == '\0';
}

/* Bytes, or with K, KB, M, MB. */
static bool take_size(const struct reading *reading, const char *value, void *field)
{
    static const struct {
        const char *word;
        uint32_t bytes;
    } units[] = {{"", 1}, {"K", 1u << 10}, {"KB", 1u << 10}, {"M", 1u << 20}, {"MB", 1u << 20}};
    uint32_t number;
    char *end;
    (void)reading;
    if (!read_number(value, RELEASE_SIZE_MAX, &number, &end)) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].word) == 0 && number <= RELEASE_SIZE_MAX / units[i].bytes) {
            *(uint32_t *)field = number * units[i].bytes;
            return number > 0;
        }
    }
    return false;
}

static bool take_flash_size(const struct reading *reading, const char *value, void *field)
{
    static const char *const sizes[] = {"2MB", "4MB", "8MB", "16MB"};
    (void)reading;
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (strcmp(value, sizes[i]) == 0) {
            *(uint32_t *)field = 2u << 20 << i;
            return true;
        }
    }
    return false;
}

static bool take_switch(const struct reading *reading, const char *value, void *field)
{
    bool on = strcmp(value, "on") == 0;
    (void)reading;
    *(bool *)field = on;
    return on || strcmp(value, "off") == 0;
}

/* One of two words; the second is true. */
static bool take_word(const char *value, const char *no, const char *yes, void *field)
{
    *(bool *)field = strcmp(value, yes) == 0;
    return *(bool *)field || strcmp(value, no) == 0;
}

static bool take_artifacts(const struct reading *reading, const char *value, void *field)
{
    (void)reading;
    return take_word(value, "verified", "any", field);
}

static bool take_log_format(const struct reading *reading, const char *value, void *field)
{
    (void)reading;
    return take_word(value, "text", "json", field);
}

/* What it means is the server's to say. */
static bool take_text(const struct reading *reading, const char *value, void *field)
{
    size_t length = strlen(value);
    (void)reading;
    if (length == 0 || length >= PROJECT_TEXT_MAX) {
        return false;
    }
    memcpy(field, value, length + 1);
    return true;
}

/* "sqlite:" and a path as others in the file, or what libpq takes. */
static bool take_store(const struct reading *reading, const char *value, void *field)
{
    static const char sqlite[] = "sqlite:";
    char *out = field;
    if (strncmp(value, sqlite, sizeof sqlite - 1) == 0) {
        memcpy(out, sqlite, sizeof sqlite);
        return take_path(reading, value + sizeof sqlite - 1, out + sizeof sqlite - 1);
    }
    return (strncmp(value, "postgres", 8) == 0 || strcmp(value, "none") == 0) &&
           take_text(reading, value, field);
}

static bool take_quota(const struct reading *reading, const char *value, void *field)
{
    char *end;
    (void)reading;
    return read_number(value, PROJECT_QUOTA_MAX, field, &end) && *end == '\0';
}

static bool take_action_days(const struct reading *reading, const char *value, void *field)
{
    char *end;
    (void)reading;
    return read_number(value, PROJECT_ACTION_DAYS_MAX, field, &end) && *end == '\0';
}

/* For firmware-of-project: looked at, not kept. */
static bool check_url(const struct reading *reading, const char *value, void *field)
{
    static const char scheme[] = "https://";
    (void)reading;
    (void)field;
    return strncmp(value, scheme, sizeof scheme - 1) == 0 && value[sizeof scheme - 1] != '\0';
}

static bool check_poll_seconds(const struct reading *reading, const char *value, void *field)
{
    uint32_t seconds;
    char *end;
    (void)reading;
    (void)field;
    return read_number(value, POLL_SECONDS_MAX, &seconds, &end) && *end == '\0' && seconds > 0;
}

#define FIELD(name) offsetof(struct release_project, name)

static const struct setting {
    const char *section;
    const char *name;
    take_value *take;
    size_t field;
    const char *rule; /* what a value must be */
} settings[] = {
    {"product", "name", take_product, FIELD(product), "1 to 64 letters, digits, . _ -"},
    {"product", "channel", take_channel, FIELD(channel), "1 to 64 letters, digits, . _ -"},
    {"update", "url", check_url, 0, "https://HOST[:PORT]"},
    {"update", "poll_seconds", check_poll_seconds, 0, "1 to 4000000"},
    {"flash", "size", take_flash_size, FIELD(flash_size), "2MB, 4MB, 8MB or 16MB"},
    {"flash", "encryption", take_switch, FIELD(encryption), "on or off"},
    {"release", "folder", take_path, FIELD(releases), "a path"},
    {"release", "signing_key", take_path, FIELD(signing_key), "a path"},
    {"release", "next_signing_key", take_path, FIELD(next_signing_key), "a path"},
    {"release", "min_secure_version", take_secure_version, FIELD(min_secure_version), "0 to 16"},
    {"release", "max_size", take_size, FIELD(max_size), "bytes, or with K or M; at most 16M"},
    {"server", "store", take_store, FIELD(server.store), "sqlite:PATH, postgres://... or none"},
    {"server", "listen", take_text, FIELD(server.listen), "ADDRESS:PORT"},
    {"server", "manage", take_text, FIELD(server.manage), "ADDRESS:PORT"},
    {"server", "client_ca", take_path, FIELD(server.client_ca), "a path"},
    {"server", "trusted_proxy", take_text, FIELD(server.trusted_proxy), "ADDRESS, ADDRESS, ..."},
    {"server", "artifacts", take_artifacts, FIELD(server.any_artifact), "verified or any"},
    {"server", "log_format", take_log_format, FIELD(server.log_json), "text or json"},
    {"server", "access_log", take_switch, FIELD(server.access_log), "on or off"},
    {"server", "quota", take_quota, FIELD(server.quota), "0 to 100000 requests a second"},
    {"server", "action_days", take_action_days, FIELD(server.action_days), "0 to 36500 days"},
};

#define SETTINGS (sizeof settings / sizeof *settings)
_Static_assert(SETTINGS <= 32, "reading.seen has a bit for each");

/* Sections that other commands read and check. */
static bool passed_over(const char *section)
{
    return strcmp(section, "efuse") == 0;
}

static bool on_setting(void *context, const char *section, const char *name, const char *value,
                       struct ini_problem *problem)
{
    struct reading *reading = context;
    size_t i = 0;
    if (passed_over(section)) {
        return true;
    }
    while (i < SETTINGS &&
           (strcmp(settings[i].section, section) != 0 || strcmp(settings[i].name, name) != 0)) {
        i++;
    }
    if (i == SETTINGS) {
        return ini_wrong(problem, "there is no setting [%.31s] %.31s", section, name);
    }
    if ((reading->seen >> i & 1) != 0) {
        return ini_wrong(problem, "[%s] %s is given twice", section, name);
    }
    reading->seen |= 1u << i;
    if (!settings[i].take(reading, value, (char *)reading->project + settings[i].field)) {
        return ini_wrong(problem, "[%s] %s cannot be \"%.64s\" (%s)", section, name, value,
                         settings[i].rule);
    }
    return true;
}

static bool set_defaults(const char *folder, struct release_project *project)
{
    memset(project, 0, sizeof *project);
    memcpy(project->channel, "stable", sizeof "stable");
    project->encryption = true;
    project->flash_size = 4u << 20;
    project->server.quota = PROJECT_QUOTA_DEFAULT;
    project->server.action_days = PROJECT_ACTION_DAYS_DEFAULT;
    memcpy(project->server.store, "sqlite:", sizeof "sqlite:");
    return join(project->server.store + sizeof "sqlite:" - 1, folder, "fleet.db") &&
           join(project->server.client_ca, folder, "pki/ca_cert.pem") &&
           join(project->releases, folder, "releases") &&
           join(project->signing_key, folder, "secure_keys/secure_boot_signing_key.pem") &&
           join(project->certificate, folder, "pki/server_cert.pem") &&
           join(project->key, folder, "pki/server_key.pem") &&
           join(project->partitions, folder, "partitions.csv") &&
           join(project->flash_key, folder, "secure_keys/flash_encryption_key.bin");
}

bool release_project_parse(const char *text, size_t length, const char *folder,
                           struct release_project *project, struct ini_problem *problem)
{
    struct reading reading = {.folder = folder, .project = project};
    problem->line = 0;
    if (!set_defaults(folder, project)) {
        return ini_wrong(problem, "the project's path is too long");
    }
    if (!ini_scan(text, length, on_setting, &reading, problem)) {
        return false;
    }
    if (project->product[0] == '\0') {
        return ini_wrong(problem, "names no product (add name = ... under [product])");
    }
    return true;
}
