/* fleet/fleet.h: thousands of native devices against an update server: load it, watch it, tell.
 *
 * Every device runs the update agent of device/agent (fleet/device.h); a few threads with an event
 * loop each carry them all. What the server does is judged from the devices' side only: the summary
 * and the event log are the fleet's own knowledge.
 */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "chain/sigblock.h"
#include "fleet/device.h"
#include "fleet/script.h"
#include "fleet/tally.h"

#define FLEET_DEVICES_MAX 1000000u
#define FLEET_THREADS_MAX 64u
#define FLEET_SPEED_MAX   1000u

struct fleet_options {
    const char *server;    /* https://HOST:PORT */
    const char *authority; /* PEM */
    const char *image;     /* signed: what devices run at first */
    const char *product;   /* of /ota/PRODUCT/CHANNEL.bin; NULL: the image's project name */
    const char *channel;
    struct sigblock_trust trust; /* whose images devices take */
    const char *tenant;          /* devices speak DDI as controllers of this tenant; NULL: the plain
                                  * channel */
    const char *prefix;          /* ids are PREFIX000001, PREFIX000002, ... */
    /* Who devices are to the server (fleet/identities.h): at most one of these; none: nobody. */
    const char *tokens;       /* CSV file of lines ID,TOKEN: ids are these, in order */
    const char *certificates; /* folder: ids are its, in order */
    const char *gateway;      /* file with the tenant's gateway token */
    const char *log;          /* the event log; NULL: none */
    struct script script;
    size_t devices;      /* 0: as many as `tokens` or `certificates` have */
    uint32_t slot_bytes; /* 0: what the image takes, and at least 64 KB more */
    uint32_t poll_s;     /* between two questions */
    uint32_t speed;      /* devices' clocks run so many times faster */
    unsigned threads;    /* 0: one per core, at most FLEET_THREADS_MAX */
    unsigned handshakes; /* under way at once */
    uint32_t seconds;    /* end after so many; 0: no such end */
    bool once;           /* end when all are through an update and told that there is no more */
    bool resume;         /* TLS sessions are kept */
    bool share_verdicts; /* digests and signatures of identical bytes are computed once */
    bool bar;            /* stderr is a terminal: its last line shows how far it is; else now and
                          * then a line */
};

/* Devices that run a version, and how their updates went. */
struct fleet_version {
    char version[AGENT_VERSION_BYTES];
    size_t devices;
};

#define FLEET_VERSIONS_MAX 32

struct fleet_summary {
    size_t devices, online;
    double seconds;
    uint64_t count[TALLY_COUNTS];
    uint64_t fault[FAULT_KINDS];
    struct spread time[TIME_KINDS];
    size_t phase[DEVICE_PHASES];
    size_t outcome[DEVICE_OUTCOMES];
    struct fleet_version version[FLEET_VERSIONS_MAX]; /* most devices first */
    size_t versions;
    size_t memory_per_device; /* bytes resident at the end, without what all share */
    uint64_t memory_peak;     /* of the process, bytes */
};

/* Runs until told to end, by `seconds`, `once`, SIGINT or SIGTERM. HOST_DONE, or HOST_FAILED after
 * one line: it could not run (then summary->devices is 0), no device was ever let in, or `once` did
 * not come true in `seconds`. HOST_USAGE for options that make no sense together. */
int fleet_run(const struct fleet_options *options, struct fleet_summary *summary);

/* How far it is. */
struct fleet_progress {
    double seconds;
    size_t online;
    uint64_t ended; /* updates */
    uint64_t polls, bytes;
};

/* Over the terminal's last line; and as a line of its own. */
void fleet_print_bar(const struct fleet_progress *progress, FILE *out);
void fleet_print_progress(const struct fleet_progress *progress, FILE *out);

/* For people; and as one JSON object. */
void fleet_print(const struct fleet_summary *summary, FILE *out);
void fleet_print_json(const struct fleet_summary *summary, FILE *out);

#endif
