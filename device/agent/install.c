/* device/agent/install.c: from the first byte of a file to the reboot into it. */
#include <string.h>

#include "chain/error.h"
#include "chain/image.h"
#include "chain/verify.h"
#include "device/agent/states.h"

static bool newer(const struct agent *agent, const struct image_app_desc *desc)
{
    return agent->config->any_version ||
           image_version_compare(desc->version, agent->running_version) > 0;
}

static uint32_t secure_version_floor(const struct agent *agent)
{
    uint32_t fuses = agent->config->min_secure_version;
    return agent->running_secure_version > fuses ? agent->running_secure_version : fuses;
}

/* The version rules, on a descriptor that is or will be verified. */
static enum agent_reason judge_desc(const struct agent *agent, const struct image_app_desc *desc)
{
    if (strcmp(desc->project_name, agent->running_project) != 0)
        return AGENT_REASON_PRODUCT;
    if (!newer(agent, desc))
        return AGENT_REASON_NOT_NEWER;
    if (desc->secure_version < secure_version_floor(agent))
        return AGENT_REASON_SECURE_VERSION;
    return AGENT_REASON_NONE;
}

/* The first sector, before anything is erased. Only to save work: verify() asks it all again. */
static enum agent_reason judge_head(struct agent *agent)
{
    struct image image;
    struct image_app_desc desc;
    if (image_header_read(agent->buffer, sizeof agent->buffer, &image) != CHAIN_OK)
        return AGENT_REASON_NOT_AN_IMAGE;
    bool described = image_app_desc_read(agent->buffer, sizeof agent->buffer, &desc) == CHAIN_OK;
    if (described) /* for the message, whatever the verdict */
        memcpy(agent->record.version, desc.version, sizeof agent->record.version);
    if (image.chip_id != IMAGE_CHIP_ESP32C6)
        return AGENT_REASON_CHIP;
    if (!described)
        return AGENT_REASON_NOT_AN_IMAGE;
    return judge_desc(agent, &desc);
}

/* Before the slot's first byte changes: the journal and otadata no longer speak of its old one. */
static bool open_slot(struct agent *agent)
{
    const struct agent_boot *boot = &agent->config->boot;
    agent->record.phase = AGENT_RECORD_DOWNLOAD;
    if (agent_save(agent) != AGENT_OK || boot->forget_passive(boot->context) != AGENT_OK)
        return false;
    agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_OFFERED,
                                           .version = agent->record.version,
                                           .length = agent->record.length});
    return true;
}

static void lost_flash(struct agent *agent)
{
    agent->record.phase = AGENT_RECORD_NONE;
    agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_FLASH, AGENT_EFLASH);
}

static bool save_progress(struct agent *agent)
{
    agent->record.offset = agent->offset;
    agent->step_ms = agent_now(agent);
    if (agent->offset > agent->furthest) { /* not: up to the same place again and again */
        agent->furthest = agent->offset;
        agent->failures = agent->bodies = 0;
    }
    if (agent_save(agent) != AGENT_OK)
        return false;
    agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_PROGRESS,
                                           .version = agent->record.version,
                                           .offset = agent->offset,
                                           .length = agent->record.length});
    return true;
}

/* There is much to come, and it can wait: is the server to be asked whether it is still wanted? */
static bool is_time_to_ask(const struct agent *agent)
{
    return agent->divisible && agent->record.length - agent->offset > AGENT_SAVE_BYTES &&
           agent_now(agent) - agent->begun_ms >= agent->poll_ms;
}

static void progress_saved(struct agent *agent, bool complete)
{
    if (complete) {
        agent_close(agent);
        agent_enter(agent, AGENT_STATE_VERIFY);
    } else if (is_time_to_ask(agent)) {
        agent_close(agent);
        agent_begin(agent);
    }
}

static void store_sector(struct agent *agent)
{
    const struct agent_flash *flash = &agent->config->flash;
    bool good = agent->offset > 0 || open_slot(agent);
    good = good && flash->erase(flash->context, agent->offset) == AGENT_OK &&
           flash->write(flash->context, agent->offset, agent->buffer, sizeof agent->buffer) ==
               AGENT_OK;
    if (!good) {
        lost_flash(agent);
        return;
    }
    agent->offset += AGENT_SECTOR_BYTES;
    agent->fill = 0;
    bool complete = agent->offset == agent->record.length;
    if (!complete && agent->offset % AGENT_SAVE_BYTES != 0)
        return;
    if (save_progress(agent))
        progress_saved(agent, complete);
    else
        lost_flash(agent);
}

static void sector_full(struct agent *agent)
{
    enum agent_reason reason = agent->offset == 0 ? judge_head(agent) : AGENT_REASON_NONE;
    if (reason != AGENT_REASON_NONE)
        agent_set_aside(agent, reason, 0);
    else
        store_sector(agent);
}

/* Lengths are multiples of a sector (ask.c), so the body ends with a full buffer. */
bool agent_body(struct agent *agent)
{
    const struct agent_net *net = &agent->config->net;
    if (agent->fill == sizeof agent->buffer) {
        sector_full(agent);
        return true;
    }
    int got =
        net->receive(net->context, agent->buffer + agent->fill, sizeof agent->buffer - agent->fill);
    if (got == AGENT_AGAIN)
        return false;
    if (got > 0)
        agent->fill += (uint32_t)got;
    else
        agent_fail(agent, AGENT_EVENT_RETRY,
                   got == 0 ? AGENT_REASON_TRUNCATED : AGENT_REASON_NETWORK, got);
    return true;
}

/* An app as far as the end of its descriptor, copied once: what is judged of it is what is hashed,
 * should flash answer otherwise when it is read again. */
struct head {
    uint8_t bytes[IMAGE_APP_DESC_OFFSET + IMAGE_APP_DESC_BYTES];
};

/* The verdict on the slot as it will execute. SIGBLOCK_TRUSTED or a reason. */
static uint32_t judge_slot(struct agent *agent, const uint8_t *bytes, const struct head *head,
                           enum agent_reason *reason, int *detail)
{
    const struct agent_config *config = agent->config;
    struct verify_policy policy = {
        .kind = IMAGE_APP,
        .chip_rev = config->chip_rev,
        .max_length = config->flash.slot_bytes,
        .trust = config->trust,
        .min_secure_version = secure_version_floor(agent),
    };
    struct image image;
    struct image_app_desc desc;
    *reason = AGENT_REASON_IMAGE;
    *detail = CHAIN_EUNTRUSTED;
    if (config->trust == NULL)
        return SIGBLOCK_REFUSED;
    uint32_t verdict =
        verify_image(bytes, agent->record.length, &policy, config->crypto, &image, NULL, detail);
    if (verdict != SIGBLOCK_TRUSTED) {
        if (*detail == CHAIN_EVERSION)
            *reason = AGENT_REASON_SECURE_VERSION;
        return SIGBLOCK_REFUSED;
    }
    *detail = image_app_desc_read(head->bytes, sizeof head->bytes, &desc);
    if (*detail != CHAIN_OK)
        return SIGBLOCK_REFUSED;
    *reason = judge_desc(agent, &desc);
    if (*reason == AGENT_REASON_NONE &&
        image.signed_length != agent->record.length - SIGBLOCK_SECTOR_BYTES)
        *reason = AGENT_REASON_LENGTH;
    memcpy(agent->record.version, desc.version, sizeof agent->record.version);
    return *reason == AGENT_REASON_NONE ? SIGBLOCK_TRUSTED : SIGBLOCK_REFUSED;
}

/* Is the slot's content the file that the server named? */
static bool digest_holds(const struct agent *agent, const uint8_t *bytes, const struct head *head)
{
    const struct chain_crypto *crypto = agent->config->crypto;
    struct chain_span file[] = {
        {head->bytes, sizeof head->bytes},
        {bytes + sizeof head->bytes, agent->record.length - sizeof head->bytes},
    };
    uint8_t digest[SHA256_BYTES];
    return crypto->sha256(crypto, file, 2, digest) == CHAIN_OK &&
           memcmp(digest, agent->record.digest, sizeof digest) == 0;
}

/* The verdict is asked for once more here, so that one skipped branch does not switch. */
static void switch_over(struct agent *agent, uint32_t verdict)
{
    const struct agent_boot *boot = &agent->config->boot;
    if (verdict != SIGBLOCK_TRUSTED)
        return;
    agent->record.phase = AGENT_RECORD_ATTEMPT;
    agent->record.tries++;
    agent->record.trial = AGENT_TRIAL_SILENT;
    if (agent_save(agent) != AGENT_OK || boot->set_boot(boot->context) != AGENT_OK) {
        agent->record.phase = AGENT_RECORD_DOWNLOAD; /* complete: comes back to verify */
        agent->record.tries--;
        agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_FLASH, AGENT_EBOOT);
        return;
    }
    agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_SWITCHING,
                                           .version = agent->record.version});
    agent_reboot(agent);
}

void agent_verify(struct agent *agent)
{
    const struct agent_flash *flash = &agent->config->flash;
    enum agent_reason reason;
    int detail;
    const uint8_t *bytes = flash->map(flash->context, AGENT_PASSIVE);
    if (bytes == NULL) {
        agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_FLASH, AGENT_EFLASH);
        return;
    }
    struct head head;
    memcpy(head.bytes, bytes, sizeof head.bytes);
    uint32_t verdict = judge_slot(agent, bytes, &head, &reason, &detail);
    bool known = digest_holds(agent, bytes, &head);
    flash->unmap(flash->context, AGENT_PASSIVE);
    if (verdict == SIGBLOCK_TRUSTED && known) {
        agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_VERIFIED,
                                               .version = agent->record.version});
        if (agent->may_switch || !agent_speaks_ddi(agent))
            switch_over(agent, verdict);
        else
            agent_begin(agent);                    /* is it still wanted, and now? */
    } else if (known && detail != CHAIN_ECRYPTO) { /* which would say nothing about the file */
        agent_refuse(agent, reason, detail);
    } else {
        agent->record.phase = AGENT_RECORD_NONE;
        (void)agent_save(agent); /* lost: the next boot verifies and refuses once more */
        agent_set_aside(agent, reason != AGENT_REASON_NONE ? reason : AGENT_REASON_DIGEST, detail);
    }
}
