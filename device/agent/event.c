/* device/agent/event.c: what happened, in words. */
#include <stdio.h>

#include "chain/error.h"
#include "device/agent/agent.h"

static const char *const reasons[] = {
    [AGENT_REASON_NONE] = "no reason",
    [AGENT_REASON_NETWORK] = "the connection failed",
    [AGENT_REASON_IDENTITY] = "the server's certificate does not prove it to be the pinned one",
    [AGENT_REASON_TRUNCATED] = "the answer ended early",
    [AGENT_REASON_SLOW] = "the download is too slow",
    [AGENT_REASON_STATUS] = "the server answered with status",
    [AGENT_REASON_REDIRECT] = "the server redirects elsewhere, status",
    [AGENT_REASON_HEADER] = "the server's answer is not accepted",
    [AGENT_REASON_LENGTH] = "its length is not that of a signed image: it ends before or after",
    [AGENT_REASON_ETAG] = "it has no strong SHA-256 ETag",
    [AGENT_REASON_TOO_LARGE] = "larger than the slot",
    [AGENT_REASON_REMEMBERED] = "refused before",
    [AGENT_REASON_NOT_AN_IMAGE] = "not an application image",
    [AGENT_REASON_CHIP] = "made for another chip",
    [AGENT_REASON_PRODUCT] = "made for another product",
    [AGENT_REASON_NOT_NEWER] = "too old: not newer than the running version",
    [AGENT_REASON_SECURE_VERSION] = "secure version below the floor of this device",
    [AGENT_REASON_IMAGE] = "not verified",
    [AGENT_REASON_DIGEST] = "its bytes are not those the server named",
    [AGENT_REASON_FLASH] = "flash could not be written",
    [AGENT_REASON_NOT_LOADED] = "the bootloader did not load it",
    [AGENT_REASON_TRIAL_RESET] = "reset before it confirmed itself",
    [AGENT_REASON_SELF_TEST] = "its self-test failed",
    [AGENT_REASON_NO_VERDICT] = "its self-test did not end in time",
    [AGENT_REASON_TOO_MANY_TRIES] = "no trial of it came to an end",
    [AGENT_REASON_ANSWER] = "the server's answer is not understood",
    [AGENT_REASON_ORIGIN] = "the server's link does not lead to the server itself",
    [AGENT_REASON_ARTIFACTS] = "not one file with a size and a SHA-256",
    [AGENT_REASON_FAILED_OFTEN] = "its trial failed",
};

static int print_reason(const struct agent_event *event, char *out, size_t size)
{
    const char *text = reasons[event->reason];
    switch (event->reason) {
    case AGENT_REASON_STATUS:
    case AGENT_REASON_REDIRECT:
        return snprintf(out, size, "%s %d", text, event->detail);
    case AGENT_REASON_HEADER:
        return snprintf(out, size, "%s: %s", text, http_error_text(event->detail));
    case AGENT_REASON_IMAGE:
        return snprintf(out, size, "%s: %s", text, chain_error_text(event->detail));
    case AGENT_REASON_FAILED_OFTEN:
        return snprintf(out, size, "%s %d times, it is not tried again", text, event->detail);
    default:
        return snprintf(out, size, "%s", text);
    }
}

static void print_rolled_back(const struct agent_event *event, const char *version,
                              const char *reason, char *out, size_t size)
{
    if (event->detail > 0)
        snprintf(out, size, "%s was rolled back: %s; orders that may still try it: %d", version,
                 reason, event->detail);
    else
        snprintf(out, size, "%s was rolled back: %s; not to be installed again", version, reason);
}

char *agent_event_print(const struct agent_event *event, char *out, size_t size)
{
    const char *version = event->version != NULL ? event->version : "update";
    unsigned long offset = event->offset, length = event->length, wait = event->wait_ms;
    char reason[128];
    print_reason(event, reason, sizeof reason);
    switch (event->kind) {
    case AGENT_EVENT_UP_TO_DATE:
        snprintf(out, size, "no update: %s is up to date", version);
        break;
    case AGENT_EVENT_OFFERED:
        snprintf(out, size, "downloading %s, %lu bytes", version, length);
        break;
    case AGENT_EVENT_RESUMED:
        snprintf(out, size, "resuming %s at %lu of %lu bytes", version, offset, length);
        break;
    case AGENT_EVENT_PROGRESS:
        snprintf(out, size, "downloaded %lu of %lu bytes", offset, length);
        break;
    case AGENT_EVENT_VERIFIED:
        snprintf(out, size, "verified %s: signed by a trusted key", version);
        break;
    case AGENT_EVENT_SWITCHING:
        snprintf(out, size, "rebooting into %s", version);
        break;
    case AGENT_EVENT_TRIAL:
        snprintf(out, size, "%s is on trial until its self-test has passed", version);
        break;
    case AGENT_EVENT_CONFIRMED:
        snprintf(out, size, "update %s confirmed", version);
        break;
    case AGENT_EVENT_REFUSED:
        snprintf(out, size, "refused %s: %s", version, reason);
        break;
    case AGENT_EVENT_ROLLED_BACK:
        print_rolled_back(event, version, reason, out, size);
        break;
    case AGENT_EVENT_RETRY:
        snprintf(out, size, "%s; next try in %lu ms", reason, wait);
        break;
    case AGENT_EVENT_WAITING:
        snprintf(out, size, "%s is here and waits until the server wants it installed", version);
        break;
    case AGENT_EVENT_CANCELED:
        snprintf(out, size, "the server took its order back");
        break;
    case AGENT_EVENT_REPORTED:
        snprintf(out, size, "the server knows how its order ended");
        break;
    }
    return out;
}
