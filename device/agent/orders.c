/* device/agent/orders.c: what a DDI server orders, and what it is told.
 *
 *     [end of the last order] -> poll -> attributes -> poll -> cancel -> told -> poll
 *         -> deployment -> started -> file   ... verified: poll -> deployment -> switching
 *
 * and, when a download takes longer than the poll interval:
 *
 *     poll -> deployment -> progress -> rest of the file
 *
 * All of that fits one connection, and the agent does not talk while it switches. So there is never
 * a cancel to reject: either the order is dropped before, or it has ended by the time the agent
 * polls again, and that was told first.
 */
#include <string.h>

#include "device/agent/ddi.h"
#include "device/agent/states.h"
#include "device/agent/writer.h"

/* A request grows from the buffer's start, its body is put together here. */
#define BODY_AT 2560u

enum agent_question ddi_first_question(const struct agent *agent)
{
    return agent->record.report != AGENT_REPORT_NONE ? AGENT_TELL_END : AGENT_ASK_POLL;
}

/* --- requests ------------------------------------------------------------------------------ */

/* "/TENANT/controller/v1/ID" and, of an action, "/`kind`/ACTION/feedback". */
static void write_path(const struct agent_config *config, const char *kind, uint32_t action,
                       char out[AGENT_PATH_BYTES])
{
    struct writer path = {out, AGENT_PATH_BYTES, 0};
    writer_put(&path, "/");
    writer_put(&path, config->tenant);
    writer_put(&path, "/controller/v1/");
    writer_put(&path, config->device_id);
    if (kind != NULL) {
        writer_put(&path, kind);
        writer_put_number(&path, action);
        writer_put(&path, "/feedback");
    }
    out[writer_length(&path)] = '\0';
}

size_t ddi_request(struct agent *agent)
{
    const struct agent_config *config = agent->config;
    char path[AGENT_PATH_BYTES];
    struct http_request request = {
        .method = "GET",
        .host = config->host,
        .port = config->port,
        .path = path,
        .version = agent->running_version,
        .token = config->token,
        .gateway = config->gateway,
        .stay = true,
        .body = ddi_report(agent, (char *)agent->buffer + BODY_AT, sizeof agent->buffer - BODY_AT),
    };
    if (request.body != NULL)
        request.method = agent->question == AGENT_TELL_ATTRIBUTES ? "PUT" : "POST";
    switch (agent->question) {
    case AGENT_ASK_POLL:
        write_path(config, NULL, 0, path);
        break;
    case AGENT_TELL_CANCELED:
        write_path(config, "/cancelAction/", agent->canceled, path);
        break;
    case AGENT_TELL_STARTED:
    case AGENT_TELL_PROGRESS:
    case AGENT_TELL_WAITING:
    case AGENT_TELL_SWITCHING:
    case AGENT_TELL_END:
        write_path(config, "/deploymentBase/", agent->record.action, path);
        break;
    case AGENT_ASK_FILE:
        request.resume_offset = agent_resuming(agent) ? agent->record.offset : 0;
        request.path = agent->path;
        break;
    default:
        request.path = agent->path;
        break;
    }
    if (request.path[0] == '\0' || (request.body != NULL && request.body[0] == '\0'))
        return 0;
    return http_request_write(&request, (char *)agent->buffer, BODY_AT);
}

/* --- answers ------------------------------------------------------------------------------- */

static struct ddi_origin origin_of(const struct agent *agent)
{
    return (struct ddi_origin){agent->config->host, agent->config->port};
}

static void not_understood(struct agent *agent, enum agent_reason reason)
{
    agent_fail(agent, AGENT_EVENT_REFUSED, reason, 0);
}

static void after_poll(struct agent *agent)
{
    enum ddi_link link;
    enum agent_reason reason =
        ddi_read_poll(agent->buffer, agent->fill, origin_of(agent), !agent->attributes_told, &link,
                      agent->path, &agent->poll_ms);
    if (reason != AGENT_REASON_NONE)
        not_understood(agent, reason);
    else if (link == DDI_ATTRIBUTES)
        agent_ask(agent, AGENT_TELL_ATTRIBUTES);
    else if (link == DDI_CANCEL)
        agent_ask(agent, AGENT_ASK_CANCEL);
    else if (link == DDI_DEPLOYMENT)
        agent_ask(agent, AGENT_ASK_DEPLOYMENT);
    else
        agent_up_to_date(agent); /* what is in the slot may still be ordered */
}

/* Out of the journal, if it ever came there: orders that wrote nothing cost nothing. */
static bool forget_order(struct agent *agent)
{
    return !agent->order_saved || agent_save(agent) == AGENT_OK;
}

/* The order is dropped, with what was downloaded for it. */
static void after_cancel(struct agent *agent)
{
    struct agent_record *record = &agent->record;
    enum agent_reason reason = ddi_read_cancel(agent->buffer, agent->fill, &agent->canceled);
    if (reason != AGENT_REASON_NONE) {
        not_understood(agent, reason);
        return;
    }
    if (agent->canceled == record->action) {
        record->phase = AGENT_RECORD_NONE;
        record->action = 0;
        if (!forget_order(agent)) {
            agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_FLASH, 0);
            return;
        }
    }
    agent_ask(agent, AGENT_TELL_CANCELED);
}

/* The file that is ordered is in the slot, in part or whole. */
static bool have_begun(const struct agent *agent, const struct ddi_deployment *deployment)
{
    const struct agent_record *record = &agent->record;
    return record->phase == AGENT_RECORD_DOWNLOAD && record->length == deployment->length &&
           memcmp(record->digest, deployment->digest, sizeof record->digest) == 0;
}

static void file_is_here(struct agent *agent, bool update)
{
    if (update) {
        agent->may_switch = true;
        agent_ask(agent, AGENT_TELL_SWITCHING);
    } else if (!agent->wait_told) {
        agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_WAITING,
                                               .version = agent->record.version});
        agent_ask(agent, AGENT_TELL_WAITING);
    } else {
        agent_rest(agent);
    }
}

/* A server may begin so many downloads without an end; then one round per interval of the device's
 * own, whatever the server says of intervals. */
static bool may_begin(struct agent *agent)
{
    uint32_t pause = agent->config->poll_ms;
    if (pause > AGENT_SET_ASIDE_MS)
        pause = AGENT_SET_ASIDE_MS;
    if (agent_now(agent) - agent->bodies_ms >= pause) {
        agent->bodies = 0;
        agent->furthest = 0;
        agent->bodies_ms = agent_now(agent);
    }
    return agent->bodies < AGENT_BODIES_MAX;
}

/* Each quarter is told once, should that much come in one conversation or in many. An action has
 * room for so many reports only. */
static enum agent_question next_of_download(const struct agent *agent)
{
    const struct agent_record *record = &agent->record;
    if (!agent->start_told)
        return AGENT_TELL_STARTED;
    bool further =
        record->offset > agent->told && record->offset - agent->told >= record->length / 4;
    return agent_resuming(agent) && further ? AGENT_TELL_PROGRESS : AGENT_ASK_FILE;
}

static void install(struct agent *agent, const struct ddi_deployment *deployment)
{
    struct agent_record *record = &agent->record;
    bool begun = have_begun(agent, deployment);
    if (begun && record->offset == record->length) {
        file_is_here(agent, deployment->update);
        return;
    }
    if (!begun && !agent_offer(agent, deployment->digest, deployment->length))
        return;
    memcpy(agent->path, deployment->path, sizeof agent->path);
    if (!deployment->download || !may_begin(agent))
        agent_rest(agent);
    else
        agent_ask(agent, next_of_download(agent));
}

static void after_deployment(struct agent *agent)
{
    struct agent_record *record = &agent->record;
    struct ddi_deployment deployment;
    enum agent_reason reason =
        ddi_read_deployment(agent->buffer, agent->fill, origin_of(agent), &deployment);
    if (reason != AGENT_REASON_NONE) {
        not_understood(agent, reason);
        return;
    }
    if (agent->end_told && deployment.action == record->ended) {
        agent_rest(agent); /* the server heard the end, and goes on asking */
        return;
    }
    if (deployment.action != record->action)
        agent->start_told = agent->wait_told = false;
    record->action = deployment.action;
    if (deployment.problem != AGENT_REASON_NONE) {
        record->version[0] = '\0';
        agent_set_aside(agent, deployment.problem, 0);
    } else if (memcmp(deployment.digest, agent->running_digest, sizeof deployment.digest) == 0) {
        record->phase = AGENT_RECORD_NONE;
        record->report = AGENT_REPORT_SUCCESS;
        agent_ask(agent, AGENT_TELL_END);
    } else {
        install(agent, &deployment);
    }
}

/* The server knows, or never will: the order is over. A save that fails is made up for by another
 * report after the next boot. */
static void end_heard(struct agent *agent)
{
    struct agent_record *record = &agent->record;
    agent->end_told = true;
    record->ended = record->action;
    record->action = 0;
    record->report = AGENT_REPORT_NONE;
    (void)forget_order(agent);
    agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_REPORTED});
    agent_ask(agent, AGENT_ASK_POLL);
}

/* Is an order over for the server? */
static bool order_gone(const struct agent *agent)
{
    return agent->status == 404 || agent->status == 410;
}

/* What is told on the way is told once; only the end has to arrive. */
static void after_notice(struct agent *agent)
{
    switch (agent->question) {
    case AGENT_TELL_ATTRIBUTES:
        agent->attributes_told = true;
        agent_ask(agent, AGENT_ASK_POLL);
        break;
    case AGENT_TELL_STARTED:
    case AGENT_TELL_PROGRESS:
        agent->start_told = true;
        agent->told = agent_resuming(agent) ? agent->record.offset : 0;
        agent_ask(agent, order_gone(agent) ? AGENT_ASK_POLL : AGENT_ASK_FILE);
        break;
    case AGENT_TELL_WAITING:
        agent->wait_told = true;
        agent_rest(agent);
        break;
    default: /* AGENT_TELL_SWITCHING */
        if (order_gone(agent)) {
            agent_begin(agent);
            break;
        }
        agent_close(agent);
        agent_enter(agent, AGENT_STATE_VERIFY);
        break;
    }
}

/* Has the server heard the end, or will it never? */
static bool end_settled(const struct agent *agent)
{
    switch (agent->status) {
    case 401:
    case 403:
    case 407:
    case 408:
    case 409:
    case 423:
    case 425:
    case 429:
        return false;
    default: /* said again a report that is not accepted would be no better */
        return agent->status >= 200 && agent->status <= 499;
    }
}

static void after_end(struct agent *agent)
{
    if (end_settled(agent))
        end_heard(agent);
    else
        agent_fail_status(agent);
}

static void after_canceled(struct agent *agent)
{
    if (agent->status >= 200 && agent->status <= 299) {
        agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_CANCELED});
        agent_ask(agent, AGENT_ASK_POLL);
    } else if (order_gone(agent)) {
        agent_rest(agent);
    } else {
        agent_fail_status(agent);
    }
}

/* What nothing but 200 answers. */
static void after_question(struct agent *agent)
{
    if (agent->status != 200 && agent->question != AGENT_ASK_POLL && order_gone(agent)) {
        agent_rest(agent); /* taken back between two questions */
        return;
    }
    if (agent->status != 200) {
        agent_fail_status(agent);
        return;
    }
    switch (agent->question) {
    case AGENT_ASK_POLL:
        after_poll(agent);
        break;
    case AGENT_ASK_CANCEL:
        after_cancel(agent);
        break;
    default:
        after_deployment(agent);
        break;
    }
}

void ddi_reply(struct agent *agent)
{
    switch (agent->question) {
    case AGENT_TELL_ATTRIBUTES:
    case AGENT_TELL_STARTED:
    case AGENT_TELL_PROGRESS:
    case AGENT_TELL_WAITING:
    case AGENT_TELL_SWITCHING:
        after_notice(agent);
        break;
    case AGENT_TELL_CANCELED:
        after_canceled(agent);
        break;
    case AGENT_TELL_END:
        after_end(agent);
        break;
    default:
        after_question(agent);
        break;
    }
}

void ddi_file(struct agent *agent, const struct http_response *response)
{
    struct agent_record *record = &agent->record;
    agent->divisible = response->status == 206 || (response->ranges && !agent_resuming(agent));
    switch (response->status) {
    case 200:
        if (agent_resuming(agent)) { /* all of it again: no parts of this file */
            record->phase = AGENT_RECORD_NONE;
            record->offset = 0;
        }
        if (response->has_length && response->length == record->length)
            agent_body_follows(agent, response);
        else
            agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_LENGTH, response->status);
        break;
    case 206:
        if (agent_continues(agent, response)) {
            agent_body_follows(agent, response);
            break;
        }
        record->phase = AGENT_RECORD_NONE;
        agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_LENGTH, response->status);
        break;
    case 416:
        record->phase = AGENT_RECORD_NONE;
        agent_fail_status(agent);
        break;
    case 410: /* it will not come back; what is only missing may */
        agent_set_aside(agent, AGENT_REASON_STATUS, response->status);
        break;
    default:
        agent_fail_status(agent);
        break;
    }
}
