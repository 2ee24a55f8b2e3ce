/* device/agent/ask.c: exchanges with the server: a request, the header of its answer, and a short
 * body. What is asked, and what follows from it, is in plain.c and orders.c.
 */
#include <string.h>

#include "device/agent/states.h"

static bool failed(struct agent *agent, int error)
{
    if (error == AGENT_AGAIN)
        return false;
    if (error == AGENT_EIDENTITY)
        agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_IDENTITY, error);
    else
        agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_NETWORK, error);
    return true;
}

void agent_ask(struct agent *agent, enum agent_question question)
{
    if (agent->exchanges == AGENT_EXCHANGES_MAX) {
        agent_rest(agent);
        return;
    }
    agent->exchanges++;
    agent->question = (uint8_t)question;
    if (agent->open && !agent->stays)
        agent_close(agent);
    agent_enter(agent, AGENT_STATE_CONNECT);
}

bool agent_connect(struct agent *agent)
{
    const struct agent_config *config = agent->config;
    if (!agent->open) {
        int error = config->net.connect(config->net.context, config->host, config->port);
        if (error != AGENT_OK)
            return failed(agent, error);
        agent->open = true;
    }
    agent->sent = 0;
    agent->fill = (uint32_t)(agent_speaks_ddi(agent) ? ddi_request(agent) : plain_request(agent));
    if (agent->fill > 0)
        agent_enter(agent, AGENT_STATE_SEND);
    else /* its configuration, or a long link, causes that */
        agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_LENGTH, 0);
    return true;
}

bool agent_send(struct agent *agent)
{
    const struct agent_net *net = &agent->config->net;
    int sent = net->send(net->context, agent->buffer + agent->sent, agent->fill - agent->sent);
    if (sent <= 0)
        return failed(agent, sent);
    agent->sent += (uint32_t)sent;
    if (agent->sent == agent->fill) {
        agent->fill = 0;
        agent_enter(agent, AGENT_STATE_HEAD);
    }
    return true;
}

/* Takes what has come; false when that was nothing yet. Counts in agent->fill. */
static bool receive(struct agent *agent, uint32_t end)
{
    const struct agent_net *net = &agent->config->net;
    int got = net->receive(net->context, agent->buffer + agent->fill, end - agent->fill);
    if (got < 0)
        return failed(agent, got);
    if (got == 0)
        agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_TRUNCATED, 0);
    else
        agent->fill += (uint32_t)got;
    return true;
}

static void reply_complete(struct agent *agent)
{
    if (agent->fill == agent->reply)
        ddi_reply(agent);
}

/* Of a refusal, and of the answer to a report, the status alone counts. */
static void reply_expected(struct agent *agent, const struct http_response *response)
{
    bool wanted = response->status == 200 && agent->question < AGENT_TELL_ATTRIBUTES;
    agent->reply = wanted ? response->length : 0;
    if (!wanted && (response->length > 0 || agent->fill > 0)) {
        agent->stays = false;
        agent->fill = 0;
    }
    if (wanted && (!response->has_length || agent->reply > sizeof agent->buffer ||
                   agent->fill > agent->reply)) {
        agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_ANSWER, response->status);
        return;
    }
    agent_enter(agent, AGENT_STATE_REPLY);
    reply_complete(agent);
}

/* Bytes behind the header are the start of the body. */
static void answer(struct agent *agent, const struct http_response *response, uint32_t header)
{
    int status = response->status;
    agent->fill -= header;
    memmove(agent->buffer, agent->buffer + header, agent->fill);
    agent->status = (uint16_t)status;
    agent->pause_s = response->retry_at_date ? agent->poll_ms / 1000 : response->retry_after;
    agent->stays = response->has_length && !response->closes;
    if (status >= 300 && status <= 399 && status != 304)
        agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_REDIRECT, status);
    else if (!agent_speaks_ddi(agent))
        plain_answer(agent, response);
    else if (agent->question == AGENT_ASK_FILE)
        ddi_file(agent, response);
    else
        reply_expected(agent, response);
}

bool agent_head(struct agent *agent)
{
    struct http_response response;
    if (!receive(agent, HTTP_HEADER_MAX))
        return false;
    if (agent->state != AGENT_STATE_HEAD)
        return true;
    int header = http_response_parse(agent->buffer, agent->fill, &response);
    if (header > 0)
        answer(agent, &response, (uint32_t)header);
    else if (header < 0)
        agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_HEADER, header);
    return true;
}

bool agent_reply(struct agent *agent)
{
    if (!receive(agent, agent->reply))
        return false;
    if (agent->state == AGENT_STATE_REPLY)
        reply_complete(agent);
    return true;
}
