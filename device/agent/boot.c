/* device/agent/boot.c: what the agent finds when it starts: how the last attempt ended, and
 * whether the image that runs is on trial.
 */
#include <string.h>

#include "chain/image.h"
#include "chain/otadata.h"
#include "device/agent/states.h"

/* Version and digest of the running image, from the bytes that run. */
static int know_running(struct agent *agent)
{
    const struct agent_config *config = agent->config;
    const struct agent_flash *flash = &config->flash;
    const uint8_t *bytes = flash->map(flash->context, AGENT_RUNNING);
    struct image image;
    struct image_app_desc desc;
    if (bytes == NULL)
        return AGENT_EFLASH;
    int error = image_parse(bytes, flash->slot_bytes, &image);
    if (error == 0)
        error = image_app_desc_read(bytes, flash->slot_bytes, &desc);
    if (error == 0 && image.signed_length > flash->slot_bytes - SIGBLOCK_SECTOR_BYTES)
        error = AGENT_EFLASH;
    if (error == 0) {
        struct chain_span file = {bytes, image.signed_length + SIGBLOCK_SECTOR_BYTES};
        error = config->crypto->sha256(config->crypto, &file, 1, agent->running_digest);
    }
    flash->unmap(flash->context, AGENT_RUNNING);
    if (error != 0)
        return AGENT_EFLASH;
    memcpy(agent->running_version, desc.version, sizeof agent->running_version);
    memcpy(agent->running_project, desc.project_name, sizeof agent->running_project);
    agent->running_secure_version = desc.secure_version;
    return AGENT_OK;
}

/* Another image runs than the one that was to be tried. Why? AGENT_REASON_NONE: it was not tried,
 * or its trial ended by loss of power or without a verdict, and there were not too many. */
static enum agent_reason attempt_verdict(const struct agent *agent, int state)
{
    const struct agent_boot *boot = &agent->config->boot;
    enum agent_reason verdict = AGENT_REASON_NONE;
    if (agent->record.trial == AGENT_TRIAL_FAILED)
        verdict = AGENT_REASON_SELF_TEST;
    else if (state == OTADATA_INVALID || state == OTADATA_PENDING_VERIFY)
        verdict = AGENT_REASON_NOT_LOADED; /* our bootloader says INVALID, ESP-IDF's nothing */
    else if (state == OTADATA_ABORTED && agent->record.trial == AGENT_TRIAL_SILENT &&
             !boot->power_was_cut(boot->context))
        verdict = AGENT_REASON_TRIAL_RESET;
    if (verdict == AGENT_REASON_NONE && agent->record.tries >= AGENT_TRIES_MAX)
        verdict = AGENT_REASON_TOO_MANY_TRIES;
    return verdict;
}

/* The journal is not signed: its numbers are checked like any others. */
static bool record_plausible(const struct agent *agent)
{
    const struct agent_record *record = &agent->record;
    return record->length <= agent->config->flash.slot_bytes && record->offset <= record->length &&
           record->length > SIGBLOCK_SECTOR_BYTES && record->length % AGENT_SECTOR_BYTES == 0 &&
           record->offset % AGENT_SECTOR_BYTES == 0;
}

/* What the journal says, seen from the slot that runs. */
static void settle(struct agent *agent, unsigned running, unsigned passive, int passive_state)
{
    struct agent_record *record = &agent->record;
    if (record->phase == AGENT_RECORD_ATTEMPT && record->slot == running) {
        record->phase = AGENT_RECORD_NONE; /* it runs and is confirmed: done */
        record->report = record->action != 0 ? AGENT_REPORT_SUCCESS : AGENT_REPORT_NONE;
        (void)agent_save(agent); /* the next boot comes to the same */
    }
    if (record->slot != passive || !record_plausible(agent))
        record->phase = AGENT_RECORD_NONE; /* about slots that were */
    if (record->phase != AGENT_RECORD_ATTEMPT) {
        agent_rest_after_boot(agent);
        return;
    }
    enum agent_reason verdict = attempt_verdict(agent, passive_state);
    if (verdict != AGENT_REASON_NONE) {
        agent_rolled_back(agent, verdict);
        return;
    }
    if (record->trial == AGENT_TRIAL_UNDECIDED) {
        /* Most likely the network is down: once it brings the file again, it is time to retry. */
        record->phase = AGENT_RECORD_NONE;
        (void)agent_save(agent);
        agent_rest_after_boot(agent);
        return;
    }
    record->phase = AGENT_RECORD_DOWNLOAD; /* complete: verify and switch once more */
    agent->may_switch = true;
    agent_enter(agent, AGENT_STATE_VERIFY);
}

/* What a DDI server began is not the plain channel's to go on with. */
static void forget_orders(struct agent_record *record)
{
    if (record->action != 0 && record->phase == AGENT_RECORD_DOWNLOAD)
        record->phase = AGENT_RECORD_NONE;
    record->action = 0;
    record->report = AGENT_REPORT_NONE;
}

void agent_start(struct agent *agent)
{
    const struct agent_boot *boot = &agent->config->boot;
    const struct agent_store *store = &agent->config->store;
    unsigned running = boot->running(boot->context);
    unsigned passive = boot->passive(boot->context);
    int state = OTADATA_UNDEFINED, passive_state = OTADATA_UNDEFINED;
    int error = know_running(agent);
    if (error == AGENT_OK)
        error = store->load(store->context, &agent->record);
    if (error == AGENT_OK)
        error = boot->state(boot->context, running, &state);
    if (error == AGENT_OK)
        error = boot->state(boot->context, passive, &passive_state);
    if (error != AGENT_OK) {
        agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_FLASH, error);
        return;
    }
    agent->started = true;
    agent->order_saved = agent->record.action != 0;
    if (!agent_speaks_ddi(agent))
        forget_orders(&agent->record);
    if (state == OTADATA_PENDING_VERIFY || state == OTADATA_NEW) {
        agent_enter(agent, AGENT_STATE_TRIAL);
        agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_TRIAL,
                                               .version = agent->running_version});
    } else {
        settle(agent, running, passive, passive_state);
    }
}

/* Neither good nor bad. Without a confirmation the bootloader goes back; what the journal says
 * keeps the other image from taking this for a crash. */
static void trial_undecided(struct agent *agent)
{
    agent->record.trial = AGENT_TRIAL_UNDECIDED;
    (void)agent_save(agent);
    agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_REFUSED,
                                           .reason = AGENT_REASON_NO_VERDICT,
                                           .version = agent->running_version});
    agent_reboot(agent);
}

static void trial_failed(struct agent *agent)
{
    const struct agent_boot *boot = &agent->config->boot;
    agent->record.trial = AGENT_TRIAL_FAILED;
    (void)agent_save(agent); /* lost: the other image names another reason */
    agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_REFUSED,
                                           .reason = AGENT_REASON_SELF_TEST,
                                           .version = agent->running_version});
    /* When this cannot be written the reset alone makes the bootloader roll back. */
    (void)boot->reject(boot->context);
    agent_reboot(agent);
}

/* Each attempt erases a sector: flash that does not take it is not asked for ever. */
static int confirm(struct agent *agent)
{
    const struct agent_boot *boot = &agent->config->boot;
    int result = boot->confirm(boot->context);
    if (result != AGENT_OK && ++agent->failures >= AGENT_CONFIRMS_MAX)
        trial_undecided(agent);
    return result;
}

void agent_trial(struct agent *agent)
{
    int result = agent->config->self_test(agent->config->context);
    if (result == AGENT_OK)
        result = confirm(agent);
    if (result == AGENT_OK) {
        agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_CONFIRMED,
                                               .version = agent->running_version});
        agent_enter(agent, AGENT_STATE_START); /* now as a confirmed image */
    } else if (result == AGENT_EFAILED) {
        trial_failed(agent);
    } else if (agent_now(agent) - agent->since_ms >= agent->config->trial_ms) {
        trial_undecided(agent);
    }
}
