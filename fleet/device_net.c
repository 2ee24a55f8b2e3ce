/* fleet/device_net.c: a native device's connection: its line, what the script does to it, and a
 * record of what was asked and answered.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "fleet/device_parts.h"
#include "fleet/loop.h"
#include "fleet/script.h"

#define SLOW_PIECE_BYTES 4096u

static bool is(const struct device *device, enum script_kind kind)
{
    return (device->behaviour & 1u << kind) != 0;
}

/* The exchange: from the first byte of a request to the first of its answer. */

static void log_exchange(const struct device *device, int status)
{
    const struct request *request = &device->exchange.request;
    char line[160], answer[16] = "none";
    int used = snprintf(line, sizeof line, "request=%s", request_word(request->kind));
    if (request->action != 0)
        used +=
            snprintf(line + used, sizeof line - (size_t)used, " action=%" PRId64, request->action);
    if (request->kind == REQUEST_FEEDBACK)
        snprintf(line + used, sizeof line - (size_t)used, " execution=%s finished=%s",
                 request->execution, request->finished);
    if (status != 0)
        snprintf(answer, sizeof answer, "%d", status);
    event_log_line(loop_log(device->loop), device->id, "%s status=%s", line, answer);
}

static void ask(struct device *device, const void *bytes, size_t length)
{
    struct exchange *exchange = &device->exchange;
    if (exchange->asked && !exchange->answered)
        return; /* the rest of the same request */
    *exchange = (struct exchange){.asked = true, .began_us = loop_us(device->loop)};
    request_read(bytes, length, &exchange->request);
}

static void judge_status(struct tally *tally, enum request_kind kind, int status)
{
    if (status == 401 || status == 403)
        tally_fault(tally, FAULT_DENIED);
    else if (status == 0)
        tally_fault(tally, FAULT_ANSWER);
    else if (status >= 400 && !(status == 404 && kind == REQUEST_CANCEL))
        tally_fault(tally, FAULT_STATUS);
}

static void answer(struct device *device, const void *bytes, size_t length)
{
    struct exchange *exchange = &device->exchange;
    struct tally *tally = loop_tally(device->loop);
    if (!exchange->asked || exchange->answered)
        return;
    exchange->answered = true;
    enum request_kind kind = exchange->request.kind;
    int status = request_status(bytes, length);
    uint64_t took = loop_us(device->loop) - exchange->began_us;
    tally_add(tally, TALLY_REQUESTS, 1);
    if (kind == REQUEST_POLL) {
        tally_add(tally, TALLY_POLLS, 1);
        spread_note(&tally->time[TIME_POLL], took);
    }
    if (kind == REQUEST_FEEDBACK && status == 200) {
        tally_add(tally, TALLY_FEEDBACKS, 1);
        spread_note(&tally->time[TIME_FEEDBACK], took);
    }
    judge_status(tally, kind, status);
    if (kind != REQUEST_POLL || status >= 400)
        log_exchange(device, status);
}

static void end_exchange(struct device *device)
{
    if (device->exchange.asked && !device->exchange.answered)
        log_exchange(device, 0);
    device->exchange = (struct exchange){.asked = false};
}

/* The operations */

static void end_dialling(struct device *device)
{
    if (device->dialling)
        loop_dialled(device->loop);
    device->dialling = false;
}

void device_hang_up(struct device *device)
{
    end_exchange(device);
    end_dialling(device);
    line_close(&device->line);
    if (device->connected)
        loop_line_closed(device->loop);
    device->connected = false;
}

void device_hear_out(struct device *device, uint64_t deadline_us)
{
    const struct exchange *exchange = &device->exchange;
    char bytes[512]; /* the status line is enough */
    while (exchange->asked && !exchange->answered && device->line.state == LINE_UP) {
        int got = line_receive(&device->line, bytes, sizeof bytes);
        if (got > 0)
            answer(device, bytes, (size_t)got);
        uint64_t now = loop_us(device->loop);
        struct pollfd readable = {.fd = device->line.fd, .events = POLLIN};
        if (got != AGENT_AGAIN || now >= deadline_us ||
            poll(&readable, 1, (int)((deadline_us - now) / 1000) + 1) <= 0)
            return;
    }
}

static void count_connection(struct device *device)
{
    struct tally *tally = loop_tally(device->loop);
    tally_add(tally, TALLY_CONNECTIONS, 1);
    if (SSL_session_reused(device->line.tls))
        tally_add(tally, TALLY_SESSIONS, 1);
    spread_note(&tally->time[TIME_HANDSHAKE], loop_us(device->loop) - device->line.began_us);
}

static int net_connect(void *context, const char *host, uint16_t port)
{
    struct device *device = context;
    struct line *line = &device->line;
    (void)host; /* the fleet's server, found once for all */
    (void)port;
    if (line->state == LINE_UP)
        return AGENT_OK;
    if (line->state == LINE_DOWN) {
        if (!loop_may_dial(device->loop, device))
            return AGENT_AGAIN;
        device->dialling = device->connected = true;
        line->began_us = loop_us(device->loop);
    }
    int error = line_connect(line, loop_peer(device->loop), loop_epoll(device->loop), device);
    if (error == AGENT_AGAIN)
        return error;
    end_dialling(device);
    if (error == AGENT_OK)
        count_connection(device);
    else
        tally_fault(loop_tally(device->loop), line->fault);
    return error;
}

static int net_send(void *context, const void *bytes, size_t length)
{
    struct device *device = context;
    ask(device, bytes, length);
    int sent = line_send(&device->line, bytes, length);
    if (sent == AGENT_ENETWORK)
        tally_fault(loop_tally(device->loop), FAULT_LOST);
    return sent;
}

/* How much the script lets it read now; 0: nothing yet. */
static size_t allowance(const struct device *device, size_t size)
{
    if (is(device, SCRIPT_SLOW)) {
        if (device_now(device) < device->slow_until)
            return 0;
        if (size > SLOW_PIECE_BYTES)
            size = SLOW_PIECE_BYTES;
    }
    if (device->drop_after > 0 && size > device->drop_after)
        size = device->drop_after;
    return size;
}

static int net_receive(void *context, void *bytes, size_t size)
{
    struct device *device = context;
    struct tally *tally = loop_tally(device->loop);
    size_t room = allowance(device, size);
    if (room == 0)
        return AGENT_AGAIN;
    int got = line_receive(&device->line, bytes, room);
    if (got == AGENT_AGAIN)
        return got;
    if (got <= 0) {
        tally_fault(tally, FAULT_LOST);
        return got;
    }
    answer(device, bytes, (size_t)got);
    tally_add(tally, TALLY_BYTES, (uint64_t)got);
    if (is(device, SCRIPT_SLOW))
        device->slow_until =
            device_now(device) + (uint64_t)got * 1000 / SCRIPT_SLOW_BYTES_PER_S + 1;
    if (device->drop_after > 0) {
        device->drop_after -= (uint32_t)got;
        if (device->drop_after == 0) {
            tally_add(tally, TALLY_DROPS, 1);
            event_log_line(loop_log(device->loop), device->id, "event=dropped");
            device_hang_up(device);
            return AGENT_ENETWORK;
        }
    }
    return got;
}

static void net_close(void *context)
{
    device_hang_up(context);
}

struct agent_net device_net(struct device *device)
{
    return (struct agent_net){device, net_connect, net_send, net_receive, net_close};
}
