/* device/agent/agent.h: the update agent: ask, download, verify, switch, try, confirm.
 *
 * A state machine without blocking calls, globals or malloc, on small tables of operations: on the
 * device they are drivers, in a fleet sockets and files, in tests models that fail on purpose. The
 * caller owns struct agent (4.8 KB on the device, buffer included) and everything the configuration
 * points to, keeps them alive, and calls agent_poll() again and again: at most 4.5 KB of stack,
 * with digests and signatures but without the other operations, or the device's build fails.
 *
 *     start ---> trial ---> wait ---> connect -> send -> head -> body ---> verify ---> switch
 *        \___________________/  \        ^                \ reply        /     \___ refused
 *                                \       \________________/             /
 *                                 \________ back-off, rest ____________/
 *
 * What holds whatever happens (a cut of power included):
 * - only the passive slot is written, and never while the running image is on trial;
 * - a slot becomes bootable only after verify_image() trusted the bytes that will execute, read
 *   through the same mapping, with the version and the secure version taken from those bytes;
 * - a file that did not verify, or failed its trial, is remembered by its SHA-256 and not installed
 *   again; only a new order of a DDI server may try one whose trial failed, AGENT_ORDERS_MAX orders
 *   in all;
 * - every step may be repeated; the journal says where to go on;
 * - no server can hold the agent or wear the flash out: connecting, asking and the answer's header
 *   have 30 s each, silence ends a download after 30 s, 64 KB of it must come within 5 minutes, and
 *   downloads that get nowhere are begun at the pace of the configured poll interval.
 *
 * The file is an image and its signature sector, a multiple of 4096 bytes. The server speaks HTTP
 * (device/agent/http.h), in one of two ways:
 * - without a device_id, the plain channel: GET /ota/<product>/<channel>.bin, whose strong ETag is
 *   the SHA-256 of the file;
 * - with one, hawkBit's DDI (docs/architecture.md, "Update"): the server says what this device is
 *   to install and when, and hears how it went. The number of its action lies in the journal from
 *   the first sector to the server's answer to the final report, which is repeated until then. A
 *   file that is complete and verified waits until the server, asked again, still wants it in; a
 *   download longer than the poll interval is interrupted to ask the same.
 *   Every link has to lead to the configured host and port.
 */
#ifndef DEVICE_AGENT_AGENT_H
#define DEVICE_AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/crypto.h"
#include "chain/sigblock.h"
#include "device/agent/http.h"

/* What operations answer. */
enum agent_error {
    AGENT_OK = 0,
    AGENT_AGAIN = -1,     /* not yet: ask again later */
    AGENT_ENETWORK = -2,  /* no connection, or it broke */
    AGENT_EIDENTITY = -3, /* the server did not prove to be ours */
    AGENT_EFLASH = -4,    /* flash did not read, erase or write */
    AGENT_EBOOT = -5,     /* otadata does not allow it */
    AGENT_EFAILED = -6,   /* the self-test failed */
};

#define AGENT_REFUSED_MAX   4
#define AGENT_ORDERS_MAX    3  /* that may try one file, when its trial fails under each of them */
#define AGENT_VERSION_BYTES 33 /* NUL included */

enum agent_record_phase {
    AGENT_RECORD_NONE,
    AGENT_RECORD_DOWNLOAD, /* `offset` bytes of the file are in the slot */
    AGENT_RECORD_ATTEMPT,  /* verified; made bootable, or about to be */
};

enum agent_trial_end {
    AGENT_TRIAL_SILENT,    /* it was reset, lost power, or was never loaded */
    AGENT_TRIAL_UNDECIDED, /* the self-test took too long */
    AGENT_TRIAL_FAILED,    /* the self-test failed */
};

/* What a DDI server has yet to hear of `action`. */
enum agent_report {
    AGENT_REPORT_NONE,
    AGENT_REPORT_SUCCESS,
    AGENT_REPORT_REFUSED,     /* with reason and detail */
    AGENT_REPORT_ROLLED_BACK, /* with reason and detail */
};

/* A file that is not to be installed again. */
struct agent_refusal {
    uint8_t digest[HTTP_ETAG_BYTES];
    uint8_t failed; /* trials that failed, each under its own order; 0: it did not verify */
};

/* All that survives a reset. */
struct agent_record {
    uint8_t phase; /* enum agent_record_phase */
    uint8_t slot;  /* the slot this is about */
    uint8_t tries; /* trial boots of this file so far */
    uint8_t trial; /* enum agent_trial_end: what the last one said of itself */
    uint8_t refused_count;
    uint8_t report;  /* enum agent_report */
    uint8_t reason;  /* enum agent_reason */
    int32_t detail;  /* what reason has beside it */
    uint32_t action; /* of a DDI server, for this file; 0: none */
    uint32_t ended;  /* the action whose end the server heard last */
    uint32_t length; /* bytes of the file */
    uint32_t offset;
    uint8_t digest[HTTP_ETAG_BYTES]; /* SHA-256 of the file, as the server says */
    char version[AGENT_VERSION_BYTES];
    struct agent_refusal refused[AGENT_REFUSED_MAX]; /* newest first */
};

/* One connection at a time, to the pinned server; TLS lives below. */
struct agent_net {
    void *context;
    /* Start or go on connecting: OK, AGAIN, ENETWORK, EIDENTITY. */
    int (*connect)(void *context, const char *host, uint16_t port);
    /* Bytes taken (> 0), AGAIN or an error. */
    int (*send)(void *context, const void *bytes, size_t length);
    /* Bytes received (> 0), 0 when the server has closed, AGAIN or an error. */
    int (*receive)(void *context, void *bytes, size_t size);
    void (*close)(void *context); /* also when not connected */
};

enum agent_slot { AGENT_RUNNING, AGENT_PASSIVE };

/* Offsets count from the start of a slot. Writes go to the passive slot, always. */
struct agent_flash {
    void *context;
    uint32_t slot_bytes;
    int (*erase)(void *context, uint32_t offset); /* one sector of 4096 */
    int (*write)(void *context, uint32_t offset, const void *bytes, size_t length);
    /* The whole slot as it will execute, valid until unmap(); NULL when it cannot be mapped. */
    const uint8_t *(*map)(void *context, enum agent_slot slot);
    void (*unmap)(void *context, enum agent_slot slot);
};

/* device/agent/slots.h does all but the last two. */
struct agent_boot {
    void *context;
    unsigned (*running)(void *context);
    unsigned (*passive)(void *context);
    int (*state)(void *context, unsigned slot, int *state); /* enum otadata_state */
    int (*forget_passive)(void *context);
    int (*set_boot)(void *context); /* the passive slot */
    int (*confirm)(void *context);  /* the running one; raises the anti-rollback floor */
    int (*reject)(void *context);
    bool (*power_was_cut)(void *context); /* this boot followed loss of power, not a reset */
    void (*reboot)(void *context);        /* may return: the agent then stays silent */
};

/* device/agent/journal.h. A load without a record answers an empty one. */
struct agent_store {
    void *context;
    int (*load)(void *context, struct agent_record *record);
    int (*save)(void *context, const struct agent_record *record);
};

struct agent_clock {
    void *context;
    uint32_t (*milliseconds)(void *context); /* may wrap */
    uint32_t (*random)(void *context);       /* spreads a fleet; no secret depends on it */
};

/* In the journal by their numbers: new ones at the end only. */
enum agent_reason {
    AGENT_REASON_NONE,
    AGENT_REASON_NETWORK,        /* could not connect, connection lost, silence */
    AGENT_REASON_IDENTITY,       /* wrong certificate */
    AGENT_REASON_TRUNCATED,      /* the answer ended early */
    AGENT_REASON_SLOW,           /* 64 KB took longer than AGENT_STEP_MS */
    AGENT_REASON_STATUS,         /* detail: the HTTP status */
    AGENT_REASON_REDIRECT,       /* detail: the HTTP status */
    AGENT_REASON_HEADER,         /* detail: an http_error */
    AGENT_REASON_LENGTH,         /* no length, not one of a signed image, not what was asked */
    AGENT_REASON_ETAG,           /* no strong SHA-256 ETag */
    AGENT_REASON_TOO_LARGE,      /* does not fit the slot */
    AGENT_REASON_REMEMBERED,     /* refused before */
    AGENT_REASON_NOT_AN_IMAGE,   /* no image magic or no application descriptor */
    AGENT_REASON_CHIP,           /* for another chip */
    AGENT_REASON_PRODUCT,        /* project name differs from the running image's */
    AGENT_REASON_NOT_NEWER,      /* version not above the running one */
    AGENT_REASON_SECURE_VERSION, /* below the anti-rollback floor */
    AGENT_REASON_IMAGE,          /* detail: a chain_error of verify_image() */
    AGENT_REASON_DIGEST,         /* the bytes are not those the server named */
    AGENT_REASON_FLASH,          /* passive slot, journal or otadata could not be written */
    AGENT_REASON_NOT_LOADED,     /* the bootloader did not take it */
    AGENT_REASON_TRIAL_RESET,    /* reset before it was confirmed */
    AGENT_REASON_SELF_TEST,      /* its self-test failed */
    AGENT_REASON_NO_VERDICT,     /* its self-test did not end in time */
    AGENT_REASON_TOO_MANY_TRIES, /* no trial came to an end */
    AGENT_REASON_ANSWER,         /* DDI: the JSON is too long, malformed or lacks something */
    AGENT_REASON_ORIGIN,         /* DDI: a link leads to another server, or is no usable link */
    AGENT_REASON_ARTIFACTS,      /* DDI: not one file with a SHA-256 and a size */
    AGENT_REASON_FAILED_OFTEN,   /* detail: trials of it that failed, which is enough */
    AGENT_REASON_LAST = AGENT_REASON_FAILED_OFTEN
};

enum agent_event_kind {
    AGENT_EVENT_UP_TO_DATE,  /* nothing new */
    AGENT_EVENT_OFFERED,     /* download starts: version, length */
    AGENT_EVENT_RESUMED,     /* download goes on at offset */
    AGENT_EVENT_PROGRESS,    /* offset, length; every 64 KB */
    AGENT_EVENT_VERIFIED,    /* version */
    AGENT_EVENT_SWITCHING,   /* version; reboot follows */
    AGENT_EVENT_TRIAL,       /* the running image (version) has yet to confirm itself */
    AGENT_EVENT_CONFIRMED,   /* version */
    AGENT_EVENT_REFUSED,     /* version (NULL: not known yet), reason, detail */
    AGENT_EVENT_ROLLED_BACK, /* version was tried and failed: reason; remembered for good. detail:
                              * orders that may try it all the same */
    AGENT_EVENT_RETRY,       /* reason, detail, wait_ms */
    AGENT_EVENT_WAITING,     /* DDI: version is here, the server lets it wait */
    AGENT_EVENT_CANCELED,    /* DDI: the server took it back */
    AGENT_EVENT_REPORTED,    /* DDI: the server knows how its action ended */
};

struct agent_event {
    enum agent_event_kind kind;
    enum agent_reason reason;
    int detail;
    const char *version;
    uint32_t offset, length, wait_ms;
};

/* One line without its end, such as "refused 1.2.0: made for another chip"; returns out. */
char *agent_event_print(const struct agent_event *event, char *out, size_t size);

struct agent_config {
    const char *host;
    uint16_t port;
    const char *product;
    const char *channel;     /* of the plain channel; for DDI an attribute of the device */
    const char *token;       /* the device's own, for the server; NULL: none */
    bool gateway;            /* ... or one that all devices of the tenant share */
    const char *device_id;   /* NULL: plain channel; else DDI, as this controller: letters, digits,
                              * '-', '_', '.', ':' */
    const char *tenant;      /* for DDI; of the same characters */
    uint32_t poll_ms;        /* between two questions; spread by an eighth; DDI servers change it */
    uint32_t backoff_ms;     /* first wait after a failure; doubles ... */
    uint32_t backoff_max_ms; /* ... up to this, or to poll_ms for answers of no use */
    uint32_t trial_ms;       /* a trial without verdict by then is given up, and repeated later */
    bool any_version; /* install older or equal versions too (never a lower secure version) */

    uint16_t chip_rev;                  /* major * 100 + minor */
    uint32_t min_secure_version;        /* eFuse floor */
    const struct sigblock_trust *trust; /* not NULL: nothing is installed unsigned */
    const struct chain_crypto *crypto;

    struct agent_net net;
    struct agent_flash flash;
    struct agent_boot boot;
    struct agent_store store;
    struct agent_clock clock;
    int (*self_test)(void *context); /* OK, AGAIN, EFAILED */
    void (*event)(void *context, const struct agent_event *event);
    void *context; /* of the last two */
};

#define AGENT_SECTOR_BYTES 4096u
#define AGENT_PATH_BYTES   257u /* of a link: longer ones are refused */

/* Private to device/agent; here so that the caller can own one. */
struct agent {
    const struct agent_config *config;
    uint8_t state;
    bool started;
    uint8_t failures;    /* in a row */
    uint8_t bodies;      /* begun since a download last got further */
    uint32_t bodies_ms;  /* DDI: when that was last forgiven */
    uint32_t furthest;   /* offset that a download reached since the last rest */
    uint32_t since_ms;   /* start of the state; in the body, last time a byte came */
    uint32_t step_ms;    /* in the body: its start, or when progress was last saved */
    uint32_t wait_ms;    /* in the wait state: how long */
    uint32_t poll_ms;    /* the configuration's, or what a DDI server asked for */
    uint32_t refused_ms; /* when `set_aside` was */
    bool has_set_aside;  /* refused for now: asked for again after an hour */
    uint8_t set_aside[HTTP_ETAG_BYTES];
    uint8_t running_digest[HTTP_ETAG_BYTES];
    uint32_t running_secure_version;
    char running_version[AGENT_VERSION_BYTES];
    char running_project[AGENT_VERSION_BYTES];
    struct agent_record record;

    /* A conversation: exchanges over one connection, as long as the server leaves it open. */
    uint8_t question;  /* of the exchange under way */
    uint8_t exchanges; /* so far */
    uint32_t begun_ms; /* when it began */
    bool open;         /* there is a connection */
    bool stays;        /* it outlives the answer that is being read */
    uint16_t status;   /* of that answer */
    uint32_t pause_s;  /* its Retry-After, a date as the poll interval; 0: none */
    uint32_t reply;    /* bytes of its body, when that is no file */

    /* DDI. */
    bool attributes_told; /* in this conversation */
    bool may_switch;      /* the server wants what is in the slot to run now */
    bool start_told;      /* of this action */
    uint32_t told;        /* bytes of the file that the server knows of since */
    bool divisible;       /* the rest of the body would come if asked for later */
    bool wait_told;
    bool order_saved;  /* the journal names an action */
    bool end_told;     /* in this conversation */
    uint32_t canceled; /* the action that is to stop */
    char path[AGENT_PATH_BYTES];

    uint32_t offset; /* of the file: what is in the slot */
    uint32_t fill;   /* bytes in the buffer */
    uint32_t sent;   /* bytes of the request sent */
    uint8_t buffer[AGENT_SECTOR_BYTES];
};

void agent_init(struct agent *agent, const struct agent_config *config);

/* Does one bounded piece of work. Returns after how many milliseconds to call again: 0 is now;
 * sooner is always allowed, and useful when the network has something. */
uint32_t agent_poll(struct agent *agent);

/* Ask the server now instead of at the next poll; no effect while an update is under way. */
void agent_poll_now(struct agent *agent);

#endif
