/* fleet/request.h: what a device has just asked, read from the bytes it sends.
 *
 * The fleet's own record of what was asked and answered must not rest on what the agent says of
 * itself, so requests are recognised on their way to the server: by method and path, and feedback
 * by its body (hawkbit-ddi.md 1 and 6).
 */
#ifndef FLEET_REQUEST_H
#define FLEET_REQUEST_H

#include <stddef.h>
#include <stdint.h>

enum request_kind {
    REQUEST_OTHER,
    REQUEST_POLL,       /* DDI: the controller base; plain: the image, from its first byte */
    REQUEST_DEPLOYMENT, /* what to install */
    REQUEST_DOWNLOAD,   /* DDI: an artifact; plain: the rest of the image */
    REQUEST_FEEDBACK,   /* about an action, a cancelled one too */
    REQUEST_CANCEL,     /* what is cancelled */
    REQUEST_CONFIG,     /* attributes */
    REQUEST_CONFIRM,    /* may it be installed? */
    REQUEST_KINDS,
};

#define REQUEST_WORD_BYTES 16

struct request {
    enum request_kind kind;
    int64_t action;                                                   /* 0: none in the path */
    char execution[REQUEST_WORD_BYTES], finished[REQUEST_WORD_BYTES]; /* of feedback, else empty */
};

/* `bytes` is the start of a request, its head and body as far as they are sent at once. */
void request_read(const char *bytes, size_t length, struct request *request);

const char *request_word(enum request_kind kind);

/* The status of an answer that begins with these bytes; 0 when that cannot be told. */
int request_status(const void *bytes, size_t length);

#endif
