/* device/agent/report.c: what a DDI server is told: the device's attributes, how its order goes on
 * and how it ended, in the words of the log.
 */
#include "device/agent/ddi.h"
#include "device/agent/states.h"
#include "device/agent/writer.h"

static void attributes_body(const struct agent *agent, char *out, size_t size)
{
    const struct agent_config *config = agent->config;
    char secure_version[11], revision[11];
    struct writer number = {secure_version, sizeof secure_version, 0};
    writer_put_number(&number, agent->running_secure_version);
    secure_version[writer_length(&number)] = '\0';
    number = (struct writer){revision, sizeof revision, 0};
    writer_put_number(&number, config->chip_rev / 100u);
    writer_put(&number, ".");
    writer_put_number(&number, config->chip_rev % 100u);
    revision[writer_length(&number)] = '\0';
    const struct ddi_attribute attributes[] = {
        {"product", agent->running_project}, {"version", agent->running_version},
        {"secure_version", secure_version},  {"chip", "ESP32-C6"},
        {"chip_revision", revision},         {"channel", config->channel},
    };
    ddi_write_attributes(attributes, sizeof attributes / sizeof attributes[0], out, size);
}

/* Is it the file, for good, and not the way it came or a server's mistake? */
static bool is_final(enum agent_reason reason)
{
    switch (reason) {
    case AGENT_REASON_TOO_LARGE:
    case AGENT_REASON_REMEMBERED:
    case AGENT_REASON_NOT_AN_IMAGE:
    case AGENT_REASON_CHIP:
    case AGENT_REASON_PRODUCT:
    case AGENT_REASON_NOT_NEWER:
    case AGENT_REASON_SECURE_VERSION:
    case AGENT_REASON_IMAGE:
    case AGENT_REASON_FAILED_OFTEN:
        return true;
    default:
        return false;
    }
}

/* How the order ended, in the words of the log. */
static void end_body(const struct agent *agent, char *out, size_t size)
{
    const struct agent_record *record = &agent->record;
    bool good = record->report == AGENT_REPORT_SUCCESS;
    bool refused = record->report == AGENT_REPORT_REFUSED;
    char text[192];
    struct agent_event event = {
        .kind = good      ? AGENT_EVENT_CONFIRMED
                : refused ? AGENT_EVENT_REFUSED
                          : AGENT_EVENT_ROLLED_BACK,
        .reason = (enum agent_reason)record->reason,
        .detail = record->detail,
        .version = good                         ? agent->running_version
                   : record->version[0] != '\0' ? record->version
                                                : NULL,
    };
    struct ddi_feedback feedback = {.execution = "closed",
                                    .finished = good ? "success" : "failure",
                                    .code = refused && is_final(event.reason) ? DDI_CODE_NEVER : 0,
                                    .text = agent_event_print(&event, text, sizeof text)};
    ddi_write_feedback(&feedback, out, size);
}

/* How far the download is, when it begins and on the way. */
static void download_body(const struct agent *agent, char *out, size_t size)
{
    const struct agent_record *record = &agent->record;
    bool resumed = agent_resuming(agent);
    char text[192];
    struct agent_event event = {
        .kind = agent->question == AGENT_TELL_PROGRESS ? AGENT_EVENT_PROGRESS
                : resumed                              ? AGENT_EVENT_RESUMED
                                                       : AGENT_EVENT_OFFERED,
        .version = record->version[0] != '\0' ? record->version : NULL,
        .offset = record->offset,
        .length = record->length,
    };
    struct ddi_feedback feedback = {.execution = "proceeding",
                                    .finished = "none",
                                    .text = agent_event_print(&event, text, sizeof text),
                                    .done = resumed ? record->offset : 0,
                                    .of = record->length};
    ddi_write_feedback(&feedback, out, size);
}

static void simple_body(const struct agent *agent, char *out, size_t size)
{
    char text[192];
    struct agent_event event = {.version = agent->record.version};
    struct ddi_feedback feedback = {.finished = "success", .text = text};
    if (agent->question == AGENT_TELL_SWITCHING) {
        event.kind = AGENT_EVENT_SWITCHING;
        feedback.execution = "proceeding";
        feedback.finished = "none";
    } else if (agent->question == AGENT_TELL_WAITING) {
        event.kind = AGENT_EVENT_WAITING;
        feedback.execution = "downloaded";
    } else {
        event = (struct agent_event){.kind = AGENT_EVENT_CANCELED};
        feedback.execution = "closed";
    }
    agent_event_print(&event, text, sizeof text);
    ddi_write_feedback(&feedback, out, size);
}

const char *ddi_report(const struct agent *agent, char *out, size_t size)
{
    switch (agent->question) {
    case AGENT_TELL_ATTRIBUTES:
        attributes_body(agent, out, size);
        return out;
    case AGENT_TELL_STARTED:
    case AGENT_TELL_PROGRESS:
        download_body(agent, out, size);
        return out;
    case AGENT_TELL_END:
        end_body(agent, out, size);
        return out;
    case AGENT_TELL_CANCELED:
    case AGENT_TELL_WAITING:
    case AGENT_TELL_SWITCHING:
        simple_body(agent, out, size);
        return out;
    default:
        return NULL;
    }
}
