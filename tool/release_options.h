/* tool/release_options.h: what the verbs of `trustchain release` share: which releases of which
 * project, and under what policy. A verb each in release_*.c; cmd_release.c lists them.
 */
#ifndef TOOL_RELEASE_OPTIONS_H
#define TOOL_RELEASE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include <jansson.h>

#include "server/project.h"
#include "server/release/publish.h"
#include "server/release/store.h"
#include "tool/cli.h"
#include "tool/inputs.h"

enum {
    RELEASE_FOLDER = CLI_LONG,
    RELEASE_PRODUCT,
    RELEASE_CHANNEL,
    RELEASE_JSON,
    RELEASE_SLOT_SIZE,
    RELEASE_MAX_SIZE,
    RELEASE_MIN_SECURE_VERSION,
    RELEASE_CHIP_REV,
    RELEASE_FORCE,
    RELEASE_LOWER_SECURE_VERSION,
    RELEASE_OWN, /* first key of a verb's own long options */
};

struct release_options {
    const char *input;          /* the positional argument */
    const char *project_folder; /* NULL: everything is on the command line */
    struct release_project project;
    const char *releases;
    struct trust_source trust;
    struct publish_policy policy;
    bool json;
};

/* Options that say which release of which store. */
/* clang-format off */
#define RELEASE_PLACE_OPTIONS                                                                     \
    {"project", 'p', "DIR", 0, "the project; it answers what other options leave open", 0},       \
        {"releases", RELEASE_FOLDER, "DIR", 0, "the folder of releases", 0},                      \
        {"product", RELEASE_PRODUCT, "NAME", 0, "product, as the application's project name", 0}
#define RELEASE_CHANNEL_OPTION                                                                    \
    {"channel", RELEASE_CHANNEL, "NAME", 0, "channel (default stable)", 0}

/* Options that say what a release must be. */
#define RELEASE_POLICY_OPTIONS                                                                    \
    {"key", 'k', "FILE", 0, "a required signing key (PEM public key or certificate)", 0},         \
        {"digest", 'd', "HEX", 0, "its digest instead (trustchain key digest)", 0},               \
        {"slot-size", RELEASE_SLOT_SIZE, "BYTES", 0, "size of the devices' update slots", 0},     \
        {"max-size", RELEASE_MAX_SIZE, "BYTES", 0, "refuse larger images", 0},                    \
        {"min-secure-version", RELEASE_MIN_SECURE_VERSION, "N", 0,                                \
         "refuse older secure versions", 0},                                                      \
        {"chip-rev", RELEASE_CHIP_REV, "N", 0,                                                    \
         "oldest chip in the field, major * 100 + minor (default 0)", 0}
/* clang-format on */

/* argp parsers of these options; ARGP_ERR_UNKNOWN for others. `state->input` is a struct
 * release_options or begins with one. At ARGP_KEY_END they check what the line left out. */
error_t release_parse_place(int key, char *text, struct argp_state *state);
error_t release_parse_policy(int key, char *text, struct argp_state *state);

/* Usage lines for what only the command line or a project can say. */
void release_need_product(const struct argp_state *state);
void release_need_keys(const struct argp_state *state);

/* What a release must be, as far as the command line left it open: from the project, or the
 * defaults; and the keys. One line on stderr on failure. */
int release_fill_in_policy(struct release_options *options);

/* A verb: reads the command line into *options, opens the store, and has `work` done on it.
 * `options` may be the first member of a verb's own, for which argp's input is taken as well. */
typedef int release_work(struct release_options *options, const struct store *store);
int release_verb(const struct argp *argp, int argc, char **argv, struct release_options *options,
                 release_work *work);

/* "product/channel", for messages. Returns `out`. */
#define RELEASE_NAME (2 * NAME_BYTES_MAX + 2)
char *release_name(const char *product, const char *channel, char out[RELEASE_NAME]);

/* What a pointer file says. */
json_t *release_json(const struct release *release);

/* Prints what publishing came to, on stdout or as the line for `subject`. */
int release_report(const struct release_options *options, const char *subject,
                   const struct publish_result *result);

/* Writes the stored metadata of a release, as it is, to `path` ("-": stdout). */
int release_write_metadata(const struct store *store, const struct release *release,
                           const char *path);

int release_publish(int argc, char **argv);
int release_list(int argc, char **argv);
int release_show(int argc, char **argv);
int release_promote(int argc, char **argv);
int release_verify(int argc, char **argv);
int release_prune(int argc, char **argv);
int release_withdraw(int argc, char **argv);

#endif
