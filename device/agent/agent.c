/* device/agent/agent.c: the state machine and how it waits. See agent.h. */
#include "device/agent/agent.h"

#include <string.h>

#include "device/agent/states.h"

uint32_t agent_now(const struct agent *agent)
{
    const struct agent_clock *clock = &agent->config->clock;
    return clock->milliseconds(clock->context);
}

/* Evenly in [0, bound]. The little bias of the remainder does not matter here. */
static uint32_t random_up_to(const struct agent *agent, uint32_t bound)
{
    const struct agent_clock *clock = &agent->config->clock;
    uint32_t value = clock->random(clock->context);
    return bound == UINT32_MAX ? value : value % (bound + 1);
}

/* `least`, and evenly up to `more` beyond it; no longer than the clock can tell. */
static uint32_t spread(const struct agent *agent, uint32_t least, uint32_t more)
{
    uint32_t wait = least + random_up_to(agent, more);
    return wait < least || wait > AGENT_WAIT_MS_MAX ? AGENT_WAIT_MS_MAX : wait;
}

void agent_enter(struct agent *agent, enum agent_state state)
{
    agent->state = (uint8_t)state;
    agent->since_ms = agent_now(agent);
}

int agent_save(struct agent *agent)
{
    const struct agent_store *store = &agent->config->store;
    int error = store->save(store->context, &agent->record);
    if (error == AGENT_OK)
        agent->order_saved = agent->record.action != 0;
    return error;
}

/* A version may come from an image that nobody signed, and goes into logs. */
static const char *printable(const char *text, char out[AGENT_VERSION_BYTES])
{
    size_t length;
    for (length = 0; text[length] != '\0' && length < AGENT_VERSION_BYTES - 1; length++)
        out[length] = text[length] >= ' ' && text[length] <= '~' ? text[length] : '?';
    out[length] = '\0';
    return out;
}

void agent_tell(struct agent *agent, struct agent_event event)
{
    char version[AGENT_VERSION_BYTES];
    if (event.version != NULL)
        event.version = printable(event.version, version);
    agent->config->event(agent->config->context, &event);
}

void agent_reboot(struct agent *agent)
{
    const struct agent_boot *boot = &agent->config->boot;
    agent_enter(agent, AGENT_STATE_REBOOT);
    boot->reboot(boot->context);
}

void agent_close(struct agent *agent)
{
    const struct agent_net *net = &agent->config->net;
    net->close(net->context);
    agent->open = false;
}

static void wait_for(struct agent *agent, uint32_t milliseconds)
{
    agent_close(agent);
    agent->wait_ms = milliseconds;
    agent_enter(agent, AGENT_STATE_WAIT);
}

void agent_rest(struct agent *agent)
{
    uint32_t poll = agent->poll_ms;
    agent->failures = 0;
    if (!agent_speaks_ddi(agent)) { /* there the interval is the server's (orders.c) */
        agent->bodies = 0;
        agent->furthest = 0;
    }
    if (agent->record.report != AGENT_REPORT_NONE)
        agent_rest_after_boot(agent); /* there is something to tell */
    else
        wait_for(agent, spread(agent, poll - poll / 8, poll / 4));
}

void agent_rest_after_boot(struct agent *agent)
{
    uint32_t soon = agent->poll_ms / 8;
    wait_for(agent, random_up_to(agent, soon < AGENT_SOON_MS ? soon : AGENT_SOON_MS));
}

static uint32_t backoff(struct agent *agent, uint32_t least, uint32_t most)
{
    uint32_t wait = agent->config->backoff_ms;
    for (unsigned i = 0; i < agent->failures && wait < most; i++)
        wait = wait > UINT32_MAX / 2 ? UINT32_MAX : wait * 2;
    if (wait > most)
        wait = most;
    if (agent->failures < UINT8_MAX)
        agent->failures++;
    wait = wait / 2 + random_up_to(agent, wait / 2);
    if (agent->bodies >= AGENT_BODIES_MAX && least < agent->config->poll_ms)
        least = agent->config->poll_ms; /* each body erases sectors, and those wear out */
    return wait < least ? spread(agent, least, least / 8) : wait;
}

static const char *offered_version(const struct agent *agent)
{
    return agent->record.version[0] != '\0' ? agent->record.version : NULL;
}

static void fail_for(struct agent *agent, struct agent_event event, uint32_t least)
{
    bool answered = event.kind == AGENT_EVENT_REFUSED || event.reason == AGENT_REASON_STATUS;
    uint32_t most = agent->config->backoff_max_ms;
    if (answered && most < agent->poll_ms)
        most = agent->poll_ms; /* a broken server is not asked more than one that is well */
    event.wait_ms = backoff(agent, least, most);
    wait_for(agent, event.wait_ms);
    agent_tell(agent, event);
}

void agent_fail(struct agent *agent, enum agent_event_kind kind, enum agent_reason reason,
                int detail)
{
    fail_for(agent, (struct agent_event){.kind = kind, .reason = reason, .detail = detail}, 0);
}

void agent_fail_status(struct agent *agent)
{
    uint32_t pause = agent->pause_s < AGENT_PAUSE_S_MAX ? agent->pause_s : AGENT_PAUSE_S_MAX;
    uint32_t least = pause * 1000;
    bool denied = agent->status == 401 || agent->status == 403 || agent->status == 404;
    if (denied && least < agent->poll_ms)
        least = agent->poll_ms;
    fail_for(agent,
             (struct agent_event){
                 .kind = AGENT_EVENT_RETRY, .reason = AGENT_REASON_STATUS, .detail = agent->status},
             least);
}

static void tell_refused(struct agent *agent, enum agent_event_kind kind, enum agent_reason reason,
                         int detail)
{
    agent_tell(agent, (struct agent_event){.kind = kind,
                                           .reason = reason,
                                           .detail = detail,
                                           .version = offered_version(agent)});
}

/* The server that wanted it is to hear what became of it. */
static void owe_report(struct agent *agent, enum agent_event_kind kind, enum agent_reason reason,
                       int detail)
{
    struct agent_record *record = &agent->record;
    if (record->action == 0)
        return;
    record->report =
        kind == AGENT_EVENT_ROLLED_BACK ? AGENT_REPORT_ROLLED_BACK : AGENT_REPORT_REFUSED;
    record->reason = (uint8_t)reason;
    record->detail = detail;
}

/* A DDI server closes its action, and does not offer the file again by itself. It hears of it at
 * once when the refusal is the answer to what it has just said. */
void agent_set_aside(struct agent *agent, enum agent_reason reason, int detail)
{
    tell_refused(agent, AGENT_EVENT_REFUSED, reason, detail);
    owe_report(agent, AGENT_EVENT_REFUSED, reason, detail);
    agent->record.phase = AGENT_RECORD_NONE;
    if (!agent_speaks_ddi(agent)) {
        memcpy(agent->set_aside, agent->record.digest, sizeof agent->set_aside);
        agent->has_set_aside = true;
        agent->refused_ms = agent_now(agent);
    }
    if (agent->state == AGENT_STATE_REPLY)
        agent_ask(agent, AGENT_TELL_END);
    else
        agent_rest(agent);
}

/* Its place in the list, or the place behind the last. */
static unsigned find_refusal(const struct agent_record *record)
{
    unsigned i = 0;
    while (i < record->refused_count &&
           memcmp(record->refused[i].digest, record->digest, sizeof record->digest) != 0)
        i++;
    return i;
}

const struct agent_refusal *agent_refusal(const struct agent *agent)
{
    unsigned place = find_refusal(&agent->record);
    return place < agent->record.refused_count ? &agent->record.refused[place] : NULL;
}

/* What is remembered of record.digest, from now on if nothing was. */
static struct agent_refusal *remember(struct agent_record *record)
{
    unsigned place = find_refusal(record);
    if (place < record->refused_count)
        return &record->refused[place];
    memmove(record->refused + 1, record->refused,
            sizeof record->refused - sizeof record->refused[0]);
    if (record->refused_count < AGENT_REFUSED_MAX)
        record->refused_count++;
    record->refused[0].failed = 0;
    memcpy(record->refused[0].digest, record->digest, sizeof record->digest);
    return &record->refused[0];
}

/* The record says what is remembered; it has one verdict more to tell. */
static void save_refusal(struct agent *agent, enum agent_event_kind kind, enum agent_reason reason,
                         int detail)
{
    agent->record.phase = AGENT_RECORD_NONE;
    agent->record.tries = 0;
    owe_report(agent, kind, reason, detail);
    bool saved = agent_save(agent) == AGENT_OK; /* first, so that what is told also holds */
    tell_refused(agent, kind, reason, detail);
    if (saved)
        agent_rest(agent);
    else
        agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_FLASH, 0);
}

void agent_refuse(struct agent *agent, enum agent_reason reason, int detail)
{
    remember(&agent->record)->failed = 0;
    save_refusal(agent, AGENT_EVENT_REFUSED, reason, detail);
}

void agent_rolled_back(struct agent *agent, enum agent_reason reason)
{
    struct agent_refusal *refusal = remember(&agent->record);
    refusal->failed++;
    bool more = agent_speaks_ddi(agent) && refusal->failed < AGENT_ORDERS_MAX;
    save_refusal(agent, AGENT_EVENT_ROLLED_BACK, reason,
                 more ? AGENT_ORDERS_MAX - refusal->failed : 0);
}

void agent_init(struct agent *agent, const struct agent_config *config)
{
    memset(agent, 0, sizeof *agent);
    agent->config = config;
    agent->poll_ms = config->poll_ms;
    agent_enter(agent, AGENT_STATE_START);
}

static uint32_t remaining(const struct agent *agent, uint32_t since, uint32_t total)
{
    uint32_t passed = agent_now(agent) - since;
    return passed < total ? total - passed : 0;
}

/* Is what is in the slot whole, and nobody to be asked any more? */
static bool ready_to_switch(const struct agent *agent)
{
    const struct agent_record *record = &agent->record;
    return record->phase == AGENT_RECORD_DOWNLOAD && record->offset == record->length &&
           (agent->may_switch || !agent_speaks_ddi(agent));
}

void agent_begin(struct agent *agent)
{
    agent->exchanges = 0;
    agent->begun_ms = agent_now(agent);
    agent->attributes_told = agent->may_switch = agent->end_told = false;
    agent_ask(agent, agent_speaks_ddi(agent) ? ddi_first_question(agent) : AGENT_ASK_PLAIN);
}

static void wait_is_over(struct agent *agent)
{
    if (agent->has_set_aside && agent_now(agent) - agent->refused_ms >= AGENT_SET_ASIDE_MS)
        agent->has_set_aside = false;
    if (!agent->started)
        agent_enter(agent, AGENT_STATE_START);
    else if (ready_to_switch(agent))
        agent_enter(agent, AGENT_STATE_VERIFY);
    else
        agent_begin(agent);
}

/* One step of the states that talk: whether it got on. */
static bool talk(struct agent *agent)
{
    switch (agent->state) {
    case AGENT_STATE_CONNECT:
        return agent_connect(agent);
    case AGENT_STATE_SEND:
        return agent_send(agent);
    case AGENT_STATE_HEAD:
        return agent_head(agent);
    case AGENT_STATE_REPLY:
        return agent_reply(agent);
    default:
        return agent_body(agent);
    }
}

/* Nothing came. How long that may go on; the connection is given up when it may not. */
static uint32_t wait_for_network(struct agent *agent)
{
    uint32_t left = remaining(agent, agent->since_ms, AGENT_SILENCE_MS);
    uint32_t step = AGENT_STEP_MS;
    if (agent->state == AGENT_STATE_BODY)
        step = remaining(agent, agent->step_ms, AGENT_STEP_MS);
    if (left == 0)
        agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_NETWORK, AGENT_AGAIN);
    else if (step == 0)
        agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_SLOW, AGENT_AGAIN);
    return left < step ? left : step;
}

uint32_t agent_poll(struct agent *agent)
{
    uint32_t left;
    switch (agent->state) {
    case AGENT_STATE_START:
        agent_start(agent);
        return 0;
    case AGENT_STATE_TRIAL:
        agent_trial(agent);
        return agent->state == AGENT_STATE_TRIAL ? 10 : 0;
    case AGENT_STATE_WAIT:
        left = remaining(agent, agent->since_ms, agent->wait_ms);
        if (left == 0)
            wait_is_over(agent);
        return left;
    case AGENT_STATE_VERIFY:
        agent_verify(agent);
        return 0;
    case AGENT_STATE_REBOOT:
        return UINT32_MAX;
    default:
        break;
    }
    if (!talk(agent))
        return wait_for_network(agent);
    if (agent->state == AGENT_STATE_BODY) /* before it, a state's whole time counts */
        agent->since_ms = agent_now(agent);
    return 0;
}

void agent_poll_now(struct agent *agent)
{
    if (agent->state == AGENT_STATE_WAIT)
        agent->wait_ms = 0;
}
