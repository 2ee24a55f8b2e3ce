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
    AGENT_STATE_BODY,
    AGENT_STATE_VERIFY,
    AGENT_STATE_REBOOT, /* asked for; nothing more is done */
};

#define AGENT_SILENCE_MS   30000u         /* a server that says nothing for so long is gone */
#define AGENT_STEP_MS      (5u * 60000u)  /* for AGENT_SAVE_BYTES of a download */
#define AGENT_BODIES_MAX   8              /* begun in vain; then each waits the poll interval */
#define AGENT_SET_ASIDE_MS (60u * 60000u) /* then a file refused for now is looked at again */
#define AGENT_SOON_MS      60000u         /* the first question after a boot comes within this */
#define AGENT_CONFIRMS_MAX 8              /* attempts to write a confirmation in one trial */
#define AGENT_TRIES_MAX    3              /* trial boots, when each ended by loss of power */
#define AGENT_SAVE_BYTES   0x10000u       /* progress reaches the journal in these steps */

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
/* Close, tell (AGENT_EVENT_REFUSED or _RETRY) and try again after a growing while. */
void agent_fail(struct agent *agent, enum agent_event_kind kind, enum agent_reason reason,
                int detail);
/* Refuse record.digest for now: in RAM, so that a server that mends its file is heard again. */
void agent_set_aside(struct agent *agent, enum agent_reason reason, int detail);
/* Refuse record.digest, which is what the bytes hash to, for ever, and tell it as `kind`; the
 * journal is back to none. */
void agent_refuse(struct agent *agent, enum agent_event_kind kind, enum agent_reason reason,
                  int detail);
bool agent_digest_refused(const struct agent *agent, const uint8_t digest[HTTP_ETAG_BYTES]);

/* boot.c: what a boot finds. */
void agent_start(struct agent *agent);
void agent_trial(struct agent *agent);

/* ask.c: the question and the answer's header. Returns whether it got on. */
bool agent_connect(struct agent *agent);
bool agent_send(struct agent *agent);
bool agent_head(struct agent *agent);
bool agent_resuming(const struct agent *agent);

/* install.c: the body, sector by sector; the verdict. */
bool agent_body(struct agent *agent);
void agent_verify(struct agent *agent);

#endif
