/* device/agent/offer.c: a file is offered: is it worth a download, and where does it go on? */
#include <string.h>

#include "device/agent/states.h"

/* One signature sector and at least one of image. */
#define FILE_BYTES_MIN (2 * AGENT_SECTOR_BYTES)

bool agent_resuming(const struct agent *agent)
{
    const struct agent_record *record = &agent->record;
    return record->phase == AGENT_RECORD_DOWNLOAD && record->offset > 0 &&
           record->offset < record->length;
}

void agent_up_to_date(struct agent *agent)
{
    agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_UP_TO_DATE,
                                           .version = agent->running_version});
    agent_rest(agent);
}

/* May an order try a file all the same? Bytes that did not verify never will; an order that has
 * ended is not carried out again. */
static enum agent_reason judge_refused(const struct agent *agent,
                                       const struct agent_refusal *refusal)
{
    const struct agent_record *record = &agent->record;
    if (!agent_speaks_ddi(agent) || refusal->failed == 0 || record->action == record->ended)
        return AGENT_REASON_REMEMBERED;
    return refusal->failed < AGENT_ORDERS_MAX ? AGENT_REASON_NONE : AGENT_REASON_FAILED_OFTEN;
}

static enum agent_reason judge_offer(const struct agent *agent, uint32_t length, int *detail)
{
    const struct agent_refusal *refusal = agent_refusal(agent);
    enum agent_reason reason = AGENT_REASON_NONE;
    if (refusal != NULL) {
        reason = judge_refused(agent, refusal);
        *detail = refusal->failed;
    } else if (agent->has_set_aside &&
               memcmp(agent->set_aside, agent->record.digest, sizeof agent->set_aside) == 0) {
        reason = AGENT_REASON_REMEMBERED;
    }
    if (reason != AGENT_REASON_NONE)
        return reason;
    if (length > agent->config->flash.slot_bytes)
        return AGENT_REASON_TOO_LARGE;
    if (length < FILE_BYTES_MIN || length % AGENT_SECTOR_BYTES != 0)
        return AGENT_REASON_LENGTH;
    return AGENT_REASON_NONE;
}

bool agent_offer(struct agent *agent, const uint8_t digest[HTTP_ETAG_BYTES], uint32_t length)
{
    struct agent_record *record = &agent->record;
    record->phase = AGENT_RECORD_NONE; /* in RAM; the journal follows with the first sector */
    record->slot = (uint8_t)agent->config->boot.passive(agent->config->boot.context);
    if (memcmp(record->digest, digest, sizeof record->digest) != 0) {
        record->tries = 0; /* else it was tried before, without a verdict */
        memset(record->version, 0, sizeof record->version);
    }
    record->length = length;
    record->offset = 0;
    memcpy(record->digest, digest, sizeof record->digest);
    int detail = 0;
    enum agent_reason reason = judge_offer(agent, length, &detail);
    if (reason != AGENT_REASON_NONE)
        agent_set_aside(agent, reason, detail);
    return reason == AGENT_REASON_NONE;
}

bool agent_continues(const struct agent *agent, const struct http_response *response)
{
    const struct agent_record *record = &agent->record;
    return agent_resuming(agent) && response->has_range && response->has_length &&
           response->first == record->offset && response->last == record->length - 1 &&
           response->total == record->length && response->length == record->length - record->offset;
}

void agent_body_follows(struct agent *agent, const struct http_response *response)
{
    const struct agent_record *record = &agent->record;
    agent->offset = record->offset;
    if (response->status == 206)
        agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_RESUMED,
                                               .version = record->version,
                                               .offset = record->offset,
                                               .length = record->length});
    if (agent->fill > record->length - agent->offset) {
        agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_LENGTH, 0);
        return;
    }
    if (agent->bodies < UINT8_MAX)
        agent->bodies++;
    agent->step_ms = agent_now(agent);
    agent_enter(agent, AGENT_STATE_BODY);
}
