/* tool/remote.h: what the verbs share that ask the update server: target, device, set, rollout.
 *
 * Each lists the options it knows out of those below; one parser reads them all.
 */
#ifndef TOOL_REMOTE_H
#define TOOL_REMOTE_H

#include "host/escape.h"
#include "tool/api_client.h"
#include "tool/cli.h"

enum {
    REMOTE_JSON = 0x300,
    REMOTE_NAME,
    REMOTE_FILTER,
    REMOTE_LIMIT,
    REMOTE_SOFT,
    REMOTE_DOWNGRADE,
    REMOTE_URL,
    REMOTE_FIRST,
    REMOTE_GROUPS,
    REMOTE_SUCCESS,
    REMOTE_ERROR,
    REMOTE_DESCRIPTION,
};

struct remote_options {
    struct api_client_options api;
    bool json, soft, downgrade;
    const char *name, *filter, *out, *url, *description;
    const char *first;  /* RSQL: targets of a group before these: */
    const char *groups; /* "1,10,100": percent of the targets after each group */
    const char *success, *error;
    uint32_t limit;
    char **words;
    size_t count, least, most; /* words: there are, there have to be */
    const char *wanted;        /* "NAME..." */
};

#define REMOTE_JSON_OPTION                                                                         \
    {                                                                                              \
        "json", REMOTE_JSON, NULL, 0, "print what the server answered", 0                          \
    }

error_t remote_parse(int key, char *text, struct argp_state *state);

/* Options, between `least` and `most` words, the client. HOST_DONE: options and *client are there.
 */
int remote_begin(const struct argp *argp, int argc, char **argv, size_t least, size_t most,
                 struct remote_options *options, struct api_client **client);

#define REMOTE_TARGETS "/rest/v1/targets"

/* The address of the device `id`, and what stands `below` it ("", "/actions"). */
#define REMOTE_ID_MAX      256
#define REMOTE_TARGET_PATH (sizeof REMOTE_TARGETS + ESCAPED_URL(REMOTE_ID_MAX) + 64)
int remote_target_path(const char *id, const char *below, char out[REMOTE_TARGET_PATH]);

/* GET of an object that has `member`, the caller's; else a line. */
int remote_get(struct api_client *client, const char *path, const char *member, json_t **out);

/* GET of everything a list has, page after page, up to `limit` entries (0: all): an array. `path`
 * may have a query already. */
int remote_list(struct api_client *client, const char *path, const char *filter, uint32_t limit,
                json_t **out);

/* Two kinds of verbs, whole. One calls `method` on REMOTE_TARGETS/ID + below for each device named,
 * also when one before it was refused; the other prints what `path` lists, with `print` a line for
 * people of each. */
int remote_each_target(const struct argp *argp, int argc, char **argv, const char *method,
                       const char *below);
int remote_print_all(const struct argp *argp, int argc, char **argv, const char *path,
                     void (*print)(const json_t *entry));

/* The entry of a list that is called just so; the caller's. A line when there is none: `what`. */
int remote_find(struct api_client *client, const char *path, const char *name, const char *what,
                json_t **out);

/* "NAME:VERSION" as the number of a distribution set; a line when there is none. */
int remote_find_set(struct api_client *client, const char *word, json_int_t *id);

/* Members for people: "-" when it is not there; a time as 2026-01-31T12:00:00Z; a distribution set
 * as NAME:VERSION. Texts are made printable, and cut for a column. The result is valid until the
 * eighth call after it. */
const char *remote_text(const json_t *object, const char *name);
const char *remote_time(const json_t *object, const char *name);
const char *remote_set(const json_t *object, const char *name);

/* A text of a device or a person to the end of a line, printable and whole. */
void remote_print_line(const json_t *text);

#endif
