/* server/mgmt/upload.c: a file comes in (hawkbit-ddi.md 10).
 *
 * It is judged as a device would judge it, before anything of it is kept, and then written to disk,
 * under its own hash and synced: both in the reading run, which keeps nobody waiting. The writing
 * run adds the row that names it. A crash or a refusal in between leaves a file that nothing names,
 * which is no harm and is written over by the next try; so does running twice (server/db/pool.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chain/error.h"
#include "chain/image.h"
#include "server/api/service.h"
#include "server/digest.h"
#include "server/release/metadata.h"
#include "server/mgmt/artifacts.h"
#include "server/mgmt/mgmt.h"
#include "server/mgmt/multipart.h"
#include "server/mgmt/sets.h"

#define SUM_MAX          64   /* characters */
#define LOCK_PATIENCE_MS 2000 /* whoever writes to the store waits for this upload */

/* What the request says about the file: in the query, or as fields of the form. */
struct upload {
    const uint8_t *bytes;
    size_t length;
    char filename[ARTIFACT_FILENAME_MAX + 1];
    char sum[3][SUM_MAX + 1]; /* as sums[] below; empty: not said */
};

static const struct sum {
    const char *name, *hash, *code;
} sums[] = {
    {"md5sum", "MD5", MGMT_CODE "artifact.uploadFailed.checksum.md5.match"},
    {"sha1sum", "SHA1", MGMT_CODE "artifact.uploadFailed.checksum.sha1.match"},
    {"sha256sum", "SHA256", MGMT_CODE "artifact.uploadFailed.checksum.sha256.match"},
};

/* Reading the form */

static int broken(struct api_call *call, const char *what)
{
    return fleet_refuse(&call->fleet, FLEET_INVALID, "%s", what);
}

static int keep_field(struct api_call *call, const char *name, const char *text, size_t length,
                      struct upload *upload)
{
    char *out = NULL;
    size_t size = 0;
    if (strcmp(name, "filename") == 0) {
        out = upload->filename;
        size = sizeof upload->filename;
    }
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        if (strcmp(name, sums[i].name) == 0) {
            out = upload->sum[i];
            size = sizeof upload->sum[i];
        }
    }
    if (out == NULL)
        return FLEET_OK;
    if (length >= size || memchr(text, '\0', length) != NULL)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "%s is too long", name);
    memcpy(out, text, length);
    out[length] = '\0';
    return FLEET_OK;
}

static int keep_file(struct api_call *call, const struct multipart_part *part,
                     struct upload *upload)
{
    if (upload->bytes != NULL)
        return broken(call, "one file at a time");
    upload->bytes = (const uint8_t *)part->data;
    upload->length = part->length;
    if (upload->filename[0] == '\0')
        snprintf(upload->filename, sizeof upload->filename, "%s", part->filename);
    return FLEET_OK;
}

/* A form's field wins over the file's own name; the query over both. */
static int read_form(struct api_call *call, struct upload *upload)
{
    const struct api_request *request = call->request;
    struct multipart reader;
    struct multipart_part part;
    enum multipart_step step = MULTIPART_PART;
    int status = FLEET_OK;
    if (!multipart_open(&reader, request->content_type, request->body, request->body_length))
        return broken(call, "not multipart/form-data: no boundary, or another one in the body");
    while (status == FLEET_OK && (step = multipart_next(&reader, &part)) == MULTIPART_PART) {
        if (strcmp(part.name, "file") == 0)
            status = keep_file(call, &part, upload);
        else
            status = keep_field(call, part.name, part.data, part.length, upload);
    }
    if (status == FLEET_OK && step == MULTIPART_BROKEN)
        return broken(call, "multipart/form-data that is cut short or malformed");
    if (status == FLEET_OK && upload->bytes == NULL)
        return broken(call, "the form has no part \"file\"");
    return status;
}

static int read_query(struct api_call *call, struct upload *upload)
{
    static const char *const names[] = {"filename", "md5sum", "sha1sum", "sha256sum"};
    char text[ARTIFACT_FILENAME_MAX + 1];
    int status = FLEET_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == FLEET_OK; i++) {
        const char *value;
        status = api_query(call, names[i], text, sizeof text, &value);
        if (status == FLEET_OK && value != NULL)
            status = keep_field(call, names[i], value, strlen(value), upload);
    }
    return status;
}

/* Judging */

static int check_sums(struct api_call *call, const struct upload *upload, struct artifact *artifact)
{
    char *const made[] = {artifact->md5, artifact->sha1, artifact->sha256};
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        if (!digest_make(sums[i].hash, upload->bytes, upload->length, made[i]))
            return DB_EIO;
        if (strspn(upload->sum[i], "0123456789abcdefABCDEF") != strlen(upload->sum[i]))
            return fleet_refuse(&call->fleet, FLEET_INVALID, "%s is hexadecimal digits",
                                sums[i].name);
        if (upload->sum[i][0] != '\0' && strcasecmp(upload->sum[i], made[i]) != 0)
            return mgmt_error(call, 400, sums[i].code, "%s is %s, not %s", sums[i].name, made[i],
                              upload->sum[i]);
    }
    return FLEET_OK;
}

static void keep_labels(struct artifact *artifact, const char *project, const char *version,
                        uint32_t secure_version)
{
    if (project[0] == '\0' || version[0] == '\0')
        return;
    snprintf(artifact->project, sizeof artifact->project, "%s", project);
    snprintf(artifact->version, sizeof artifact->version, "%s", version);
    artifact->secure_version = secure_version;
}

/* Other files than our images: taken as they are, named if they can be read as one. */
static int take_anything(struct api_call *call, const struct upload *upload,
                         struct artifact *artifact)
{
    struct image_app_desc desc;
    if (upload->length == 0 || upload->length > RELEASE_SIZE_MAX)
        return fleet_refuse(&call->fleet, FLEET_INVALID, "a file has 1 to %u bytes",
                            RELEASE_SIZE_MAX);
    if (image_app_desc_read(upload->bytes, upload->length, &desc) == CHAIN_OK &&
        fleet_text_valid(desc.project_name, 32) && fleet_text_valid(desc.version, 32))
        keep_labels(artifact, desc.project_name, desc.version, desc.secure_version);
    return FLEET_OK;
}

static int judge(struct api_call *call, const struct upload *upload, struct artifact *artifact)
{
    const struct api_service *service = call->service;
    struct publish_result result;
    if (service->any_artifact)
        return take_anything(call, upload, artifact);
    if (service->policy.product == NULL)
        return broken(call, "this server knows no project to judge an image by");
    if (!publish_check(&service->policy, upload->bytes, upload->length, &result))
        return mgmt_error(call, 400, MGMT_CODE "artifact.uploadFailed", "%s: %s",
                          publish_verdict_word(result.verdict), result.reason);
    keep_labels(artifact, result.release.project, result.release.version,
                result.release.secure_version);
    return FLEET_OK;
}

/* Keeping */

static int write_files(const struct store *store, const struct release *release,
                       const uint8_t *bytes)
{
    char *metadata = metadata_make(bytes, release->size);
    int lock;
    int error =
        metadata != NULL ? store_lock_within(store, LOCK_PATIENCE_MS, &lock) : STORE_EMEMORY;
    if (error == STORE_OK) {
        error = store_put_image(store, release, bytes);
        if (error == STORE_OK)
            error = store_put_metadata(store, release->sha256, metadata);
        store_unlock(lock);
    }
    free(metadata);
    return error;
}

static int keep_bytes(struct api_call *call, const struct upload *upload,
                      const struct artifact *artifact)
{
    struct release release = {.size = (uint32_t)upload->length};
    snprintf(release.sha256, sizeof release.sha256, "%s", artifact->sha256);
    errno = 0;
    int error = write_files(call->service->releases, &release, upload->bytes);
    if (error == STORE_OK)
        return FLEET_OK;
    if (errno == EWOULDBLOCK) {
        call->answer->retry_after = 5;
        return mgmt_error(call, 503, MGMT_CODE "artifact.uploadFailed",
                          "somebody else is writing to the releases");
    }
    return errno == ENOSPC || errno == EDQUOT || errno == EROFS ? DB_EFULL : DB_EIO;
}

/* All that takes long, with nothing of the store held: *out is what the row will say, its bytes are
 * on disk. */
static int take_in(struct api_call *call, struct artifact *out)
{
    struct upload upload = {0};
    int status = path_module(call, &out->module);
    if (status == FLEET_OK)
        status = read_form(call, &upload);
    if (status == FLEET_OK)
        status = read_query(call, &upload);
    if (status == FLEET_OK)
        status = check_sums(call, &upload, out);
    if (status == FLEET_OK)
        status = judge(call, &upload, out);
    if (status != FLEET_OK)
        return status;
    out->size = (int64_t)upload.length;
    snprintf(out->filename, sizeof out->filename, "%s", upload.filename);
    status = artifact_check(&call->fleet, out);
    return status == FLEET_OK ? keep_bytes(call, &upload, out) : status;
}

static int add_row(struct api_call *call, struct artifact *artifact)
{
    artifact->created_at = call->fleet.now;
    int status = artifact_add(&call->fleet, artifact, &artifact->id);
    if (status == FLEET_OK)
        status = mgmt_audit(call, "artifact.upload", artifact->sha256, "module %lld %s",
                            (long long)artifact->module, artifact->filename);
    return status == FLEET_OK ? mgmt_json(call, 201, show_artifact(call, artifact)) : status;
}

int mgmt_upload(struct api_call *call)
{
    struct artifact *artifact = call->answer->kept;
    if (call->access == DB_WRITE && artifact != NULL)
        return add_row(call, artifact);
    artifact = calloc(1, sizeof *artifact);
    int status = artifact != NULL ? take_in(call, artifact) : DB_EIO;
    if (status != FLEET_OK) {
        free(artifact);
        return status;
    }
    free(call->answer->kept);
    call->answer->kept = artifact;
    return API_MUST_WRITE;
}
