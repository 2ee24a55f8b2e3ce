/* fleet/device_story.c: what the agent tells, into the device's state, the tally and the log. */
#include <stdio.h>
#include <string.h>

#include "fleet/device_parts.h"
#include "fleet/loop.h"
#include "fleet/script.h"

static const char *const words[] = {
    [AGENT_EVENT_UP_TO_DATE] = "up_to_date", [AGENT_EVENT_OFFERED] = "offered",
    [AGENT_EVENT_RESUMED] = "resumed",       [AGENT_EVENT_PROGRESS] = "progress",
    [AGENT_EVENT_VERIFIED] = "verified",     [AGENT_EVENT_SWITCHING] = "switching",
    [AGENT_EVENT_TRIAL] = "trial",           [AGENT_EVENT_CONFIRMED] = "confirmed",
    [AGENT_EVENT_REFUSED] = "refused",       [AGENT_EVENT_ROLLED_BACK] = "rolled_back",
    [AGENT_EVENT_RETRY] = "retry",           [AGENT_EVENT_WAITING] = "waiting",
    [AGENT_EVENT_CANCELED] = "canceled",     [AGENT_EVENT_REPORTED] = "reported",
};

/* Quiet polls and progress would be nearly all of it. */
static void log_event(const struct device *device, const struct agent_event *event)
{
    char text[256];
    if (event->kind == AGENT_EVENT_UP_TO_DATE || event->kind == AGENT_EVENT_PROGRESS)
        return;
    agent_event_print(event, text, sizeof text);
    event_log_line(loop_log(device->loop), device->id, "event=%s version=%s text=\"%s\"",
                   words[event->kind], event->version != NULL ? event->version : "-", text);
}

/* Faults of the network and of statuses have been counted where they were seen. */
static void count_fault(struct device *device, const struct agent_event *event)
{
    struct tally *tally = loop_tally(device->loop);
    switch (event->reason) {
    case AGENT_REASON_NETWORK:
        if (event->detail == AGENT_AGAIN)
            tally_fault(tally, FAULT_SILENCE);
        break;
    case AGENT_REASON_SLOW:
        tally_fault(tally, FAULT_SILENCE);
        break;
    case AGENT_REASON_HEADER:
    case AGENT_REASON_REDIRECT:
    case AGENT_REASON_LENGTH:
    case AGENT_REASON_ETAG:
    case AGENT_REASON_ANSWER:
    case AGENT_REASON_ORIGIN:
    case AGENT_REASON_ARTIFACTS:
        tally_fault(tally, FAULT_ANSWER);
        break;
    case AGENT_REASON_FLASH:
        tally_fault(tally, FAULT_DEVICE);
        break;
    default:
        break;
    }
}

static bool is_about_image(enum agent_reason reason)
{
    return reason >= AGENT_REASON_TOO_LARGE && reason <= AGENT_REASON_DIGEST;
}

static void download_begins(struct device *device, const struct agent_event *event)
{
    uint32_t left = event->length - event->offset;
    device->phase = DEVICE_DOWNLOADING;
    tally_add(loop_tally(device->loop), TALLY_DOWNLOADS, 1);
    if (event->kind == AGENT_EVENT_RESUMED)
        tally_add(loop_tally(device->loop), TALLY_RESUMES, 1);
    if ((device->behaviour & 1u << SCRIPT_DROP) == 0 || device->dropped ||
        left <= 2 * AGENT_SECTOR_BYTES)
        return;
    device->dropped = true;
    device->drop_after =
        1 + (uint32_t)(script_random(&device->random) % (left - 2 * AGENT_SECTOR_BYTES));
}

static void end_update(struct device *device, enum device_outcome outcome, enum tally_count count)
{
    device->phase = DEVICE_QUIET;
    device->dropped = false;
    device->outcome = outcome;
    tally_add(loop_tally(device->loop), count, 1);
}

static void settle(struct device *device)
{
    device->phase = DEVICE_QUIET;
    if (device->outcome == DEVICE_UNTRIED || device->settled)
        return;
    device->settled = true;
    tally_add(loop_tally(device->loop), TALLY_SETTLED, 1);
}

void device_event(void *context, const struct agent_event *event)
{
    struct device *device = context;
    log_event(device, event);
    switch (event->kind) {
    case AGENT_EVENT_UP_TO_DATE:
        settle(device);
        break;
    case AGENT_EVENT_OFFERED:
    case AGENT_EVENT_RESUMED:
        download_begins(device, event);
        break;
    case AGENT_EVENT_WAITING:
    case AGENT_EVENT_VERIFIED:
    case AGENT_EVENT_SWITCHING:
        device->phase = DEVICE_INSTALLING;
        break;
    case AGENT_EVENT_TRIAL:
        device->phase = DEVICE_TRIAL;
        break;
    case AGENT_EVENT_CONFIRMED:
        end_update(device, DEVICE_UPDATED, TALLY_UPDATED);
        break;
    case AGENT_EVENT_ROLLED_BACK:
        end_update(device, DEVICE_ROLLED_BACK, TALLY_ROLLED_BACK);
        break;
    case AGENT_EVENT_REFUSED:
        if (is_about_image(event->reason))
            end_update(device, DEVICE_REFUSED, TALLY_REFUSED);
        count_fault(device, event);
        break;
    case AGENT_EVENT_RETRY:
        count_fault(device, event);
        break;
    case AGENT_EVENT_CANCELED:
        device->phase = DEVICE_QUIET;
        device->dropped = false;
        break;
    case AGENT_EVENT_PROGRESS:
    case AGENT_EVENT_REPORTED:
        break;
    }
}
