/* server/ddi/artifact.c: files: how they are shown, and the bytes (hawkbit-ddi.md 4 and 5). */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/escape.h"
#include "server/ddi/ddi.h"
#include "server/ddi/links.h"
#include "server/fleet/action.h"

#define MD5_SUFFIX ".MD5SUM"

void ddi_upper(const char *word, char *out, size_t size)
{
    size_t used = 0;
    for (; word[used] != '\0' && used + 1 < size; used++)
        out[used] = (char)toupper((unsigned char)word[used]);
    out[used] = '\0';
}

/* Both pairs of names with the same https address: one client reads only the -http ones
 * (hawkbit-ddi.md 5 and 9). */
static json_t *artifact_links(struct api_call *call, int64_t module, const char *filename)
{
    static const char *const names[] = {"download", "download-http", "md5sum", "md5sum-http"};
    char encoded[ESCAPED_URL(ARTIFACT_FILENAME_MAX)];
    escape_url(filename, encoded, sizeof encoded);
    json_t *links = json_object();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        json_object_set_new(links, names[i],
                            ddi_link(call, "/softwaremodules/%" PRId64 "/artifacts/%s%s", module,
                                     encoded, i >= 2 ? MD5_SUFFIX : ""));
    return links;
}

int ddi_module_artifacts(struct api_call *call, int64_t module, json_t **out)
{
    static const char sql[] = "SELECT filename, sha1, md5, sha256, size FROM artifact"
                              " WHERE module = $1 ORDER BY id";
    int status;
    *out = json_array();
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(module)));
    while ((status = db_next(rows)) == DB_ROW) {
        const char *filename = db_text(rows, 0);
        json_t *artifact = json_pack(
            "{s:s, s:{s:s, s:s, s:s}, s:I, s:o}", "filename", filename, "hashes", "sha1",
            db_text(rows, 1), "md5", db_text(rows, 2), "sha256", db_text(rows, 3), "size",
            (json_int_t)db_int(rows, 4), "_links", artifact_links(call, module, filename));
        if (json_array_append_new(*out, artifact) != 0) {
            db_end(rows);
            return DB_EIO;
        }
    }
    return status;
}

/* Only what an action under way (or, to look at, what is installed) needs may be had. *action: the
 * one that needs it. */
static int may_have(struct api_call *call, int64_t module, bool installed_too, int64_t *action)
{
    static const char active[] =
        "SELECT a.id FROM action AS a JOIN set_module AS s ON s.dist_set = a.dist_set"
        " WHERE a.target = $1 AND s.module = $2 AND a.active = 1"
        " AND a.state NOT IN ('canceling', 'wait_for_confirmation') ORDER BY a.id LIMIT 1";
    static const char installed[] = "SELECT 0 FROM set_module WHERE dist_set = $1 AND module = $2";
    int status =
        db_get_int(call->fleet.db, active, DB_ARGS(db_i(call->target.id), db_i(module)), action);
    if (status == DB_OK && installed_too)
        status = db_get_int(call->fleet.db, installed,
                            DB_ARGS(db_i(call->target.installed_set), db_i(module)), action);
    if (status == DB_OK)
        return fleet_refuse(&call->fleet, FLEET_NONE, "no action needs this module now");
    return status == DB_ROW ? FLEET_OK : status;
}

int ddi_artifacts(struct api_call *call)
{
    int64_t module;
    int64_t action;
    json_t *artifacts = NULL;
    int status = ddi_device(call);
    if (status == FLEET_OK)
        status = api_segment_id(call, 2, &module);
    if (status == FLEET_OK)
        status = may_have(call, module, true, &action);
    if (status == FLEET_OK)
        status = ddi_module_artifacts(call, module, &artifacts);
    if (status == FLEET_OK)
        return api_json(call, 200, artifacts);
    json_decref(artifacts);
    return status;
}

static int answer_md5(struct api_call *call, const struct artifact *artifact)
{
    char text[64 + ARTIFACT_FILENAME_MAX];
    snprintf(text, sizeof text, "%s  %s", artifact->md5, artifact->filename);
    snprintf(call->answer->filename, sizeof call->answer->filename, "%s" MD5_SUFFIX,
             artifact->filename);
    return api_text(call, 200, "text/plain", text);
}

static int answer_file(struct api_call *call, const struct artifact *artifact)
{
    struct api_answer *answer = call->answer;
    answer->status = 200;
    answer->is_file = true;
    answer->size = artifact->size;
    answer->modified = artifact->created_at;
    snprintf(answer->sha256, sizeof answer->sha256, "%s", artifact->sha256);
    snprintf(answer->etag, sizeof answer->etag, "\"%s\"", artifact->sha1);
    snprintf(answer->filename, sizeof answer->filename, "%s", artifact->filename);
    return FLEET_OK;
}

/* "fw.bin.MD5SUM" asks for the sum of fw.bin, unless there is a file of that very name. */
static int find_file(struct api_call *call, int64_t module, struct artifact *out, bool *md5)
{
    const char *name = call->segment[3];
    size_t length = strlen(name);
    size_t suffix = strlen(MD5_SUFFIX);
    char plain[ARTIFACT_FILENAME_MAX + 1];
    *md5 = false;
    int status = artifact_find(&call->fleet, module, name, out);
    if (status != FLEET_NONE || length <= suffix || length - suffix >= sizeof plain ||
        strcmp(name + length - suffix, MD5_SUFFIX) != 0)
        return status;
    memcpy(plain, name, length - suffix);
    plain[length - suffix] = '\0';
    *md5 = true;
    return artifact_find(&call->fleet, module, plain, out);
}

int ddi_artifact(struct api_call *call)
{
    int64_t module;
    int64_t action;
    struct artifact artifact;
    bool md5;
    int status = ddi_device(call);
    if (status == FLEET_OK)
        status = api_segment_id(call, 2, &module);
    if (status == FLEET_OK)
        status = may_have(call, module, false, &action);
    if (status == FLEET_OK)
        status = find_file(call, module, &artifact, &md5);
    if (status != FLEET_OK)
        return status;
    return md5 ? answer_md5(call, &artifact) : answer_file(call, &artifact);
}
