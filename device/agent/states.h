/* device/agent/states.h: what the files of the agent share; private to device/agent. */
#ifndef DEVICE_AGENT_STATES_H
#define DEVICE_AGENT_STATES_H

#include "device/agent/agent.h"

enum agent_state {
    AGENT_STATE_START,
    AGENT_STATE_TRIAL,
    AGENT_STATE_WAIT,
    AGENT_STATE_CONNECT,
    AGENT_STATE_SEND,
    AGENT_STATE_HEAD,
    AGENT_STATE_REPLY,
    AGENT_STATE_BODY,
    AGENT_STATE_VERIFY,
    AGENT_STATE_REBOOT, /* asked for; nothing more is done */
};

/* What one exchange asks or tells. */
enum agent_question {
    AGENT_ASK_PLAIN,  /* is there another file? It comes with the answer */
    AGENT_ASK_POLL,   /* this and the rest: DDI */
    AGENT_ASK_CANCEL, /* which action is to stop? */
    AGENT_ASK_DEPLOYMENT,
    AGENT_ASK_FILE,
    AGENT_TELL_ATTRIBUTES, /* from here on reports: of the answer the status counts */
    AGENT_TELL_CANCELED,
    AGENT_TELL_STARTED,
    AGENT_TELL_PROGRESS,
    AGENT_TELL_WAITING,
    AGENT_TELL_SWITCHING,
    AGENT_TELL_END,
};

#define AGENT_EXCHANGES_MAX 16 /* in one conversation: no server keeps the agent talking */
#define AGENT_PAUSE_S_MAX   86400u
#define AGENT_WAIT_MS_MAX   4000000000u    /* of a clock that wraps after 4294967296 */
#define AGENT_SILENCE_MS    30000u         /* a server that says nothing for so long is gone */
#define AGENT_STEP_MS       (5u * 60000u)  /* for AGENT_SAVE_BYTES of a download */
#define AGENT_BODIES_MAX    8              /* begun in vain; then each waits the poll interval */
#define AGENT_SET_ASIDE_MS  (60u * 60000u) /* then a file refused for now is looked at again */
#define AGENT_SOON_MS       60000u         /* the first question after a boot comes within this */
#define AGENT_CONFIRMS_MAX  8              /* attempts to write a confirmation in one trial */
#define AGENT_TRIES_MAX     3              /* trial boots, when each ended by loss of power */
#define AGENT_SAVE_BYTES    0x10000u       /* progress reaches the journal in these steps */

/* agent.c */
uint32_t agent_now(const struct agent *agent);
void agent_enter(struct agent *agent, enum agent_state state);
int agent_save(struct agent *agent);
void agent_tell(struct agent *agent, struct agent_event event);
void agent_reboot(struct agent *agent);
/* Close the connection and ask again after the poll interval. */
void agent_rest(struct agent *agent);
/* Ask soon, but not the whole fleet at once. */
void agent_rest_after_boot(struct agent *agent);
/* Close, tell (AGENT_EVENT_REFUSED or _RETRY) and try again after a growing while: when there was
 * an answer, if only a useless one, it grows up to the poll interval. */
void agent_fail(struct agent *agent, enum agent_event_kind kind, enum agent_reason reason,
                int detail);
/* The same for an answer that is none: the server's Retry-After counts, and who is refused access
 * comes again no sooner than at the next poll. */
void agent_fail_status(struct agent *agent);
void agent_close(struct agent *agent);
/* A conversation begins; agent_ask() goes on with it, agent_rest() or agent_fail() ends it. */
void agent_begin(struct agent *agent);
/* Refuse record.digest for now: in RAM, so that a server that mends its file is heard again. */
void agent_set_aside(struct agent *agent, enum agent_reason reason, int detail);
/* Refuse record.digest, which is what the bytes hash to, for ever; the journal is back to none. */
void agent_refuse(struct agent *agent, enum agent_reason reason, int detail);
/* The same when its trial failed: more orders may try it. */
void agent_rolled_back(struct agent *agent, enum agent_reason reason);
/* What is remembered of record.digest; NULL: nothing. */
const struct agent_refusal *agent_refusal(const struct agent *agent);

/* boot.c: what a boot finds. */
void agent_start(struct agent *agent);
void agent_trial(struct agent *agent);

/* ask.c: exchanges: the request, the answer's header, a short body. Return whether it got on. */
bool agent_connect(struct agent *agent);
bool agent_send(struct agent *agent);
bool agent_head(struct agent *agent);
bool agent_reply(struct agent *agent);
void agent_ask(struct agent *agent, enum agent_question question);

/* offer.c: a file is offered. */
bool agent_resuming(const struct agent *agent);
/* Becomes the record's, from its first byte; false when it is refused. */
bool agent_offer(struct agent *agent, const uint8_t digest[HTTP_ETAG_BYTES], uint32_t length);
/* Is this the rest of the file we have a part of? But for its ETag. */
bool agent_continues(const struct agent *agent, const struct http_response *response);
/* The body follows, and goes on at record.offset; its first bytes are in the buffer. */
void agent_body_follows(struct agent *agent, const struct http_response *response);
void agent_up_to_date(struct agent *agent);

/* plain.c and orders.c: what is asked of the plain channel and of a DDI server; and what follows
 * from its answer. A request is written into the buffer: its length, 0 when it does not fit. */
size_t plain_request(struct agent *agent);
void plain_answer(struct agent *agent, const struct http_response *response);
enum agent_question ddi_first_question(const struct agent *agent);
size_t ddi_request(struct agent *agent);
void ddi_file(struct agent *agent, const struct http_response *response);
void ddi_reply(struct agent *agent);
/* report.c: the body of what is told, NUL-terminated in `out`; NULL when something is asked. */
const char *ddi_report(const struct agent *agent, char *out, size_t size);

/* install.c: the body, sector by sector; the verdict. */
bool agent_body(struct agent *agent);
void agent_verify(struct agent *agent);

static inline bool agent_speaks_ddi(const struct agent *agent)
{
    return agent->config->device_id != NULL;
}

#endif
