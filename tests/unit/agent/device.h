/* tests/unit/agent/device.h: a simulated product: NOR flash, a bootloader, the agent.
 *
 * Method. The flash is an array in which programs only clear bits. Every erase and program counts
 * as one operation; any one of them can be the last before power is lost, and then it does not
 * happen, happens by half, or happens whole (enum cut). device_run() boots: the bootloader model
 * takes its steps on otadata, looks for the first slot whose image verifies, and starts an agent
 * with fresh RAM; loss of power or a reset leaves the agent wherever it is and boots again. The
 * bootloader model notes when no slot verifies: that must never happen.
 *
 * The two small regions behave as encrypted flash: what is erased reads as noise.
 */
#ifndef TESTS_AGENT_DEVICE_H
#define TESTS_AGENT_DEVICE_H

#include <setjmp.h>

#include "device/agent/agent.h"
#include "device/agent/region.h"
#include "device/agent/slots.h"
#include "tests/unit/agent/ddi_server.h"
#include "tests/unit/agent/image.h"
#include "tests/unit/agent/server.h"

#define DEVICE_SLOT_BYTES TEST_FILE_MAX
#define DEVICE_EVENTS_MAX 512

enum cut { CUT_BEFORE, CUT_TORN, CUT_AFTER };
enum trial { TRIAL_PASS, TRIAL_FAIL, TRIAL_HANG, TRIAL_NEVER_ENDS };
enum boot_cause { CAUSE_POWER, CAUSE_RESET };

struct device {
    uint8_t slot[2][DEVICE_SLOT_BYTES];
    uint8_t otadata[2 * REGION_SECTOR_BYTES];
    uint8_t journal[2 * REGION_SECTOR_BYTES];
    struct sigblock_trust trust;
    struct server server;
    struct ddi_server ddi; /* instead, with speaks_ddi */
    bool speaks_ddi;

    /* Script. */
    uint32_t cut_at; /* operation number, 0 = none */
    enum cut cut;
    uint32_t cuts_in_trial; /* so many trials end by loss of power */
    uint32_t fail_at;       /* this operation answers an error instead */
    enum trial trial;       /* of images whose version is trial_version; others pass */
    const char *trial_version;
    unsigned trials_good_after; /* this many trials go as above, later ones pass; 0 = all do */
    unsigned trials;            /* so far, of that version */
    bool any_version;
    unsigned rsa_fails; /* so many times the accelerator does not finish */
    bool confirm_fails; /* otadata cannot be written while a trial wants to be confirmed */
    const char *version_when_hashed; /* in the passive slot, once it is mapped; NULL: as it is */
    bool spoil_at_reboot;            /* once: a bit of the passive slot flips */
    uint32_t poll_ms;                /* 0: four seconds */
    const char *token;               /* NULL: none */

    /* What happened. */
    uint32_t operations;
    unsigned boots, unbootable, cuts;
    unsigned confirms;    /* asked for */
    unsigned polls_quiet; /* up-to-date answers since the last boot */
    struct agent_event event[DEVICE_EVENTS_MAX];
    char event_version[DEVICE_EVENTS_MAX][AGENT_VERSION_BYTES];
    unsigned events;

    /* Now. */
    unsigned running;
    char version[AGENT_VERSION_BYTES]; /* of what runs */
    enum boot_cause cause;
    uint32_t now_ms, random;
    jmp_buf leave;
    struct slots slots;
    struct agent_region otadata_region, journal_region;
    struct chain_crypto crypto;
    bool passive_mapped;
    struct agent_config config;
    struct agent agent;
};

/* Slot 0 holds `image`; everything else is erased. */
void device_init(struct device *device, const struct test_image *image);

/* Boot and run until `quiet` polls in a row found nothing to do, or until `minutes` of simulated
 * time are over. True when it became quiet. */
bool device_run(struct device *device, unsigned quiet, unsigned minutes);

/* How often an event of this kind (and reason, unless NONE) was told. */
unsigned device_told(const struct device *device, enum agent_event_kind kind,
                     enum agent_reason reason);
/* The nth refusal, from 0; NULL when there were fewer. */
const struct agent_event *device_refusal(const struct device *device, unsigned nth);

#endif
