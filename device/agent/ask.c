/* device/agent/ask.c: the question to the server, and its answer up to the body. */
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

/* The request goes into the buffer; false when it does not fit, which its configuration causes. */
static bool write_request(struct agent *agent)
{
    const struct agent_config *config = agent->config;
    const struct agent_record *record = &agent->record;
    uint8_t not_wanted[AGENT_REFUSED_MAX + 2][HTTP_ETAG_BYTES];
    size_t count = 0;
    memcpy(not_wanted[count++], agent->running_digest, HTTP_ETAG_BYTES);
    for (unsigned i = 0; i < record->refused_count; i++)
        memcpy(not_wanted[count++], record->refused[i], HTTP_ETAG_BYTES);
    if (agent->has_set_aside)
        memcpy(not_wanted[count++], agent->set_aside, HTTP_ETAG_BYTES);
    struct http_request request = {
        .host = config->host,
        .port = config->port,
        .product = config->product,
        .channel = config->channel,
        .version = agent->running_version,
        .token = config->token,
        .not_wanted = (const uint8_t(*)[HTTP_ETAG_BYTES])not_wanted,
        .not_wanted_count = count,
        .resume_etag = agent_resuming(agent) ? record->digest : NULL,
        .resume_offset = record->offset,
    };
    agent->sent = 0;
    agent->fill =
        (uint32_t)http_request_write(&request, (char *)agent->buffer, sizeof agent->buffer);
    return agent->fill > 0;
}

bool agent_connect(struct agent *agent)
{
    const struct agent_config *config = agent->config;
    int error = config->net.connect(config->net.context, config->host, config->port);
    if (error != AGENT_OK)
        return failed(agent, error);
    if (write_request(agent))
        agent_enter(agent, AGENT_STATE_SEND);
    else
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

static void up_to_date(struct agent *agent)
{
    if (agent->record.phase != AGENT_RECORD_NONE) {
        agent->record.phase =
            AGENT_RECORD_NONE; /* what was being downloaded is no longer offered */
        (void)agent_save(agent);
    }
    agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_UP_TO_DATE,
                                           .version = agent->running_version});
    agent_rest(agent);
}

/* The rest of the file we have a part of. */
static bool continues(const struct agent *agent, const struct http_response *response)
{
    const struct agent_record *record = &agent->record;
    return agent_resuming(agent) && response->has_range && response->has_length &&
           response->first == record->offset && response->last == record->length - 1 &&
           response->total == record->length &&
           response->length == record->length - record->offset &&
           memcmp(response->etag, record->digest, sizeof record->digest) == 0;
}

/* A file from its first byte: is it worth a download? Decides and acts otherwise. */
static bool begins(struct agent *agent, const struct http_response *response)
{
    struct agent_record *record = &agent->record;
    if (memcmp(response->etag, agent->running_digest, sizeof agent->running_digest) == 0) {
        up_to_date(agent);
        return false;
    }
    record->phase = AGENT_RECORD_NONE; /* in RAM; the journal follows with the first sector */
    record->slot = (uint8_t)agent->config->boot.passive(agent->config->boot.context);
    if (memcmp(record->digest, response->etag, sizeof record->digest) != 0)
        record->tries = 0; /* else it was tried before, without a verdict */
    record->length = response->length;
    record->offset = 0;
    memset(record->version, 0, sizeof record->version);
    memcpy(record->digest, response->etag, sizeof record->digest);
    bool known = agent_digest_refused(agent, response->etag) ||
                 (agent->has_set_aside &&
                  memcmp(agent->set_aside, response->etag, sizeof agent->set_aside) == 0);
    enum agent_reason reason = AGENT_REASON_NONE;
    if (known)
        reason = AGENT_REASON_REMEMBERED;
    else if (response->length > agent->config->flash.slot_bytes)
        reason = AGENT_REASON_TOO_LARGE;
    else if (response->length < FILE_BYTES_MIN || response->length % AGENT_SECTOR_BYTES != 0)
        reason = AGENT_REASON_LENGTH;
    if (reason != AGENT_REASON_NONE)
        agent_set_aside(agent, reason, 0);
    return reason == AGENT_REASON_NONE;
}

static bool body_expected(struct agent *agent, const struct http_response *response)
{
    enum agent_reason reason = AGENT_REASON_NONE;
    if (!response->has_etag)
        reason = AGENT_REASON_ETAG;
    else if (response->status == 200 && !response->has_length)
        reason = AGENT_REASON_LENGTH;
    else if (response->status == 206 && !continues(agent, response))
        reason = AGENT_REASON_LENGTH;
    if (reason != AGENT_REASON_NONE) {
        agent->record.phase = AGENT_RECORD_NONE; /* ask for the whole file next time */
        agent_fail(agent, AGENT_EVENT_REFUSED, reason, response->status);
        return false;
    }
    if (response->status == 200)
        return begins(agent, response);
    agent_tell(agent, (struct agent_event){.kind = AGENT_EVENT_RESUMED,
                                           .version = agent->record.version,
                                           .offset = agent->record.offset,
                                           .length = agent->record.length});
    return true;
}

static void begin_body(struct agent *agent)
{
    if (agent->bodies < UINT8_MAX)
        agent->bodies++;
    agent->step_ms = agent_now(agent);
    agent_enter(agent, AGENT_STATE_BODY);
}

/* Bytes that came with the header become the start of the body. */
static void body_starts(struct agent *agent, uint32_t header)
{
    agent->fill -= header;
    memmove(agent->buffer, agent->buffer + header, agent->fill);
    agent->offset = agent->record.offset;
    if (agent->fill > agent->record.length - agent->offset)
        agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_LENGTH, 0);
    else
        begin_body(agent);
}

static void answer(struct agent *agent, const struct http_response *response, uint32_t header)
{
    int status = response->status;
    switch (status) {
    case 200:
    case 206:
        if (body_expected(agent, response))
            body_starts(agent, header);
        break;
    case 304: /* what runs, or what was refused, is still the newest */
    case 404: /* nothing published yet, or withdrawn */
        up_to_date(agent);
        break;
    case 416:
        agent->record.phase = AGENT_RECORD_NONE;
        agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_STATUS, status);
        break;
    default:
        if (status >= 300 && status <= 399)
            agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_REDIRECT, status);
        else
            agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_STATUS, status);
        break;
    }
}

bool agent_head(struct agent *agent)
{
    const struct agent_net *net = &agent->config->net;
    struct http_response response;
    int got =
        net->receive(net->context, agent->buffer + agent->fill, HTTP_HEADER_MAX - agent->fill);
    if (got < 0)
        return failed(agent, got);
    if (got == 0) {
        agent_fail(agent, AGENT_EVENT_RETRY, AGENT_REASON_TRUNCATED, 0);
        return true;
    }
    agent->fill += (uint32_t)got;
    int header = http_response_parse(agent->buffer, agent->fill, &response);
    if (header > 0)
        answer(agent, &response, (uint32_t)header);
    else if (header < 0)
        agent_fail(agent, AGENT_EVENT_REFUSED, AGENT_REASON_HEADER, header);
    return true;
}
