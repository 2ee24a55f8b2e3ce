/* server/mgmt/artifacts.c: the files of a module: what is offered, and taking it away again. */
#include "server/mgmt/artifacts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/mgmt/mgmt.h"
#include "server/mgmt/sets.h"

json_t *show_artifact(struct api_call *call, const struct artifact *artifact)
{
    long long module = artifact->module;
    long long id = artifact->id;
    json_t *shown =
        json_pack("{s:I, s:s, s:{s:s, s:s, s:s}, s:I, s:I, s:s*, s:s*, s:{s:o, s:o}}", "id",
                  (json_int_t)id, "providedFilename", artifact->filename, "hashes", "sha1",
                  artifact->sha1, "md5", artifact->md5, "sha256", artifact->sha256, "size",
                  (json_int_t)artifact->size, "createdAt", (json_int_t)artifact->created_at,
                  "project", artifact->project[0] != '\0' ? artifact->project : NULL, "version",
                  artifact->version[0] != '\0' ? artifact->version : NULL, "_links", "self",
                  mgmt_link(call, "/softwaremodules/%lld/artifacts/%lld", module, id), "download",
                  mgmt_link(call, "/softwaremodules/%lld/artifacts/%lld/download", module, id));
    if (shown != NULL && artifact->version[0] != '\0')
        json_object_set_new(shown, "secureVersion", json_integer(artifact->secure_version));
    return shown;
}

static int path_artifact(struct api_call *call, struct artifact *out)
{
    int64_t module;
    int64_t id;
    int status = path_module(call, &module);
    if (status == FLEET_OK)
        status = api_segment_id(call, 1, &id);
    return status == FLEET_OK ? artifact_get(&call->fleet, module, id, out) : status;
}

/* At most ARTIFACTS_MAX: no pages. */
int mgmt_artifacts(struct api_call *call)
{
    static const char sql[] = "SELECT id FROM artifact WHERE module = $1 ORDER BY id";
    int64_t module;
    int status = path_module(call, &module);
    if (status != FLEET_OK)
        return status;
    json_t *answer = json_array();
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(module)));
    while ((status = db_next(rows)) == DB_ROW) {
        struct artifact artifact;
        status = artifact_get(&call->fleet, module, db_int(rows, 0), &artifact);
        if (status != FLEET_OK ||
            json_array_append_new(answer, show_artifact(call, &artifact)) != 0) {
            db_end(rows);
            json_decref(answer);
            return status != FLEET_OK ? status : DB_EIO;
        }
    }
    if (status == DB_OK)
        return mgmt_json(call, 200, answer);
    json_decref(answer);
    return status;
}

int mgmt_artifact(struct api_call *call)
{
    struct artifact artifact;
    int status = path_artifact(call, &artifact);
    return status == FLEET_OK ? mgmt_json(call, 200, show_artifact(call, &artifact)) : status;
}

int mgmt_artifact_download(struct api_call *call)
{
    struct artifact artifact;
    struct api_answer *answer = call->answer;
    int status = path_artifact(call, &artifact);
    if (status != FLEET_OK)
        return status;
    answer->status = 200;
    answer->is_file = true;
    answer->size = artifact.size;
    answer->modified = artifact.created_at;
    snprintf(answer->sha256, sizeof answer->sha256, "%s", artifact.sha256);
    snprintf(answer->etag, sizeof answer->etag, "\"%s\"", artifact.sha1);
    snprintf(answer->filename, sizeof answer->filename, "%s", artifact.filename);
    return FLEET_OK;
}

int mgmt_artifact_delete(struct api_call *call)
{
    struct artifact artifact;
    int status = path_artifact(call, &artifact);
    if (status == FLEET_OK)
        status = artifact_delete(&call->fleet, artifact.module, artifact.id);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "artifact.delete", artifact.sha256, "artifact %lld %s",
                            (long long)artifact.id, artifact.filename);
    return status == FLEET_OK ? api_status(call, 204) : status;
}
