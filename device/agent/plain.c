/* device/agent/plain.c: the plain channel: one question, whose answer is the file. */
#include <string.h>

#include "device/agent/states.h"
#include "device/agent/writer.h"

static const char *write_path(const struct agent_config *config, char out[AGENT_PATH_BYTES])
{
    struct writer path = {out, AGENT_PATH_BYTES, 0};
    writer_put(&path, "/ota/");
    writer_put(&path, config->product);
    writer_put(&path, "/");
    writer_put(&path, config->channel);
    writer_put(&path, ".bin");
    out[writer_length(&path)] = '\0';
    return out;
}

size_t plain_request(struct agent *agent)
{
    const struct agent_config *config = agent->config;
    const struct agent_record *record = &agent->record;
    uint8_t not_wanted[AGENT_REFUSED_MAX + 2][HTTP_ETAG_BYTES];
    char path[AGENT_PATH_BYTES];
    size_t count = 0;
    memcpy(not_wanted[count++], agent->running_digest, HTTP_ETAG_BYTES);
    for (unsigned i = 0; i < record->refused_count; i++)
        memcpy(not_wanted[count++], record->refused[i].digest, HTTP_ETAG_BYTES);
    if (agent->has_set_aside)
        memcpy(not_wanted[count++], agent->set_aside, HTTP_ETAG_BYTES);
    struct http_request request = {
        .method = "GET",
        .host = config->host,
        .port = config->port,
        .path = write_path(config, path),
        .version = agent->running_version,
        .token = config->token,
        .gateway = config->gateway,
        .not_wanted = (const uint8_t(*)[HTTP_ETAG_BYTES])not_wanted,
        .not_wanted_count = count,
        .resume_offset = agent_resuming(agent) ? record->offset : 0,
        .resume_etag = record->digest,
    };
    return path[0] != '\0'
               ? http_request_write(&request, (char *)agent->buffer, sizeof agent->buffer)
               : 0;
}

/* What was being downloaded is no longer offered. */
static void nothing_offered(struct agent *agent)
{
    if (agent->record.phase != AGENT_RECORD_NONE) {
        agent->record.phase = AGENT_RECORD_NONE;
        (void)agent_save(agent);
    }
    agent_up_to_date(agent);
}

static void refuse_answer(struct agent *agent, enum agent_reason reason)
{
    agent->record.phase = AGENT_RECORD_NONE; /* ask for the whole file next time */
    agent_fail(agent, AGENT_EVENT_REFUSED, reason, agent->status);
}

static void file_comes(struct agent *agent, const struct http_response *response)
{
    bool runs = memcmp(response->etag, agent->running_digest, sizeof agent->running_digest) == 0;
    if (!response->has_etag)
        refuse_answer(agent, AGENT_REASON_ETAG);
    else if (!response->has_length)
        refuse_answer(agent, AGENT_REASON_LENGTH);
    else if (runs)
        nothing_offered(agent);
    else if (agent_offer(agent, response->etag, response->length))
        agent_body_follows(agent, response);
}

static void rest_comes(struct agent *agent, const struct http_response *response)
{
    const struct agent_record *record = &agent->record;
    if (!response->has_etag)
        refuse_answer(agent, AGENT_REASON_ETAG);
    else if (!agent_continues(agent, response) ||
             memcmp(response->etag, record->digest, sizeof record->digest) != 0)
        refuse_answer(agent, AGENT_REASON_LENGTH);
    else
        agent_body_follows(agent, response);
}

void plain_answer(struct agent *agent, const struct http_response *response)
{
    int status = response->status;
    switch (status) {
    case 200:
        file_comes(agent, response);
        break;
    case 206:
        rest_comes(agent, response);
        break;
    case 304: /* what runs, or what was refused, is still the newest */
    case 404: /* nothing published yet, or withdrawn */
        nothing_offered(agent);
        break;
    case 416:
        agent->record.phase = AGENT_RECORD_NONE;
        agent_fail_status(agent);
        break;
    default:
        agent_fail_status(agent);
        break;
    }
}
