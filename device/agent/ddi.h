/* device/agent/ddi.h: hawkBit's Direct Device Integration API, as far as an agent needs it: what
 * its JSON says, and JSON to say it. Pure: texts in, values out.
 *
 * Answers are read strictly, but members nobody asks for are skipped: servers differ in them. A
 * link counts only when it leads to the origin the device is configured for, over https.
 */
#ifndef DEVICE_AGENT_DDI_H
#define DEVICE_AGENT_DDI_H

#include "device/agent/agent.h"

/* Where links have to lead. */
struct ddi_origin {
    const char *host;
    uint16_t port;
};

enum ddi_link { DDI_NOTHING, DDI_ATTRIBUTES, DDI_CANCEL, DDI_DEPLOYMENT };

/* The answer to a poll. Of several links the first in the order above (attributes only when they
 * are `wanted`) is in path. AGENT_REASON_NONE, _ANSWER, _ORIGIN. */
enum agent_reason ddi_read_poll(const uint8_t *bytes, size_t length, struct ddi_origin origin,
                                bool wanted, enum ddi_link *link, char path[AGENT_PATH_BYTES],
                                uint32_t *poll_ms); /* untouched when nothing sensible is said */

struct ddi_deployment {
    uint32_t action;
    bool download;             /* may be downloaded now */
    bool update;               /* may be installed now */
    enum agent_reason problem; /* NONE: what follows holds; or _ARTIFACTS, _ORIGIN */
    uint8_t digest[HTTP_ETAG_BYTES];
    uint32_t length;
    char path[AGENT_PATH_BYTES];
};

/* AGENT_REASON_NONE or _ANSWER. */
enum agent_reason ddi_read_deployment(const uint8_t *bytes, size_t length, struct ddi_origin origin,
                                      struct ddi_deployment *out);

enum agent_reason ddi_read_cancel(const uint8_t *bytes, size_t length, uint32_t *action);

/* One report. */
/* The status code of a failure that every later order of the same file would end in as well
 * (docs/server.md 5). */
#define DDI_CODE_NEVER 4006

struct ddi_feedback {
    const char *execution; /* "proceeding", "downloaded", "closed" */
    const char *finished;  /* "none", "success", "failure" */
    const char *text;
    uint32_t code;     /* 0: none */
    uint32_t done, of; /* progress; of == 0: none */
};

/* NUL-terminated; the length, 0 when it does not fit. */
size_t ddi_write_feedback(const struct ddi_feedback *feedback, char *out, size_t size);

struct ddi_attribute {
    const char *key, *value;
};

size_t ddi_write_attributes(const struct ddi_attribute *attributes, size_t count, char *out,
                            size_t size);

#endif
