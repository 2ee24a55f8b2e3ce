/* tests/unit/agent/ddi_server.c: see ddi_server.h. */
#include "tests/unit/agent/ddi_server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/agent/image.h"

#define ORIGIN "https://update.test:443"
#define BASE   "/acme/controller/v1/lamp-1"

void ddi_server_order(struct ddi_server *server, uint32_t action, const uint8_t *file,
                      uint32_t length)
{
    server->action = action;
    server->file = file;
    server->length = length;
    server->outcome = DDI_OPEN;
    server->canceling = false;
    test_digest(file, length, server->digest);
}

/* --- answers --------------------------------------------------------------------------------- */

static void answer(struct ddi_server *server, int status, const char *body)
{
    snprintf(
        server->head, sizeof server->head,
        "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nContent-Type: application/hal+json\r\n%s\r\n%s",
        status, strlen(body), server->closes ? "Connection: close\r\n" : "", body);
    server->head_length = (uint32_t)strlen(server->head);
}

static void answer_raw(struct ddi_server *server, const char *head)
{
    strcpy(server->head, head);
    server->head_length = (uint32_t)strlen(head);
}

static void answer_poll(struct ddi_server *server)
{
    char body[1024], link[256] = "", attributes[128] = "";
    bool open = server->action != 0 && (server->outcome == DDI_OPEN || server->never_ends);
    server->polls++;
    if (!open && server->other_file != NULL) {
        const uint8_t *next = server->other_file;
        server->other_file = server->file;
        ddi_server_order(server, server->action + 1, next, server->length);
        open = true;
    }
    if (server->restless) {
        server->action++;
        server->digest[0]++;
    }
    if (server->wants_attributes)
        snprintf(attributes, sizeof attributes,
                 "\"configData\":{\"href\":\"" ORIGIN BASE "/configData\"}%s", open ? "," : "");
    if (open)
        snprintf(link, sizeof link, "\"%s\":{\"href\":\"" ORIGIN BASE "/%s/%u%s\"}",
                 server->canceling ? "cancelAction" : "deploymentBase",
                 server->canceling ? "cancelAction" : "deploymentBase", server->action,
                 server->canceling ? "" : "?c=-1");
    snprintf(body, sizeof body, "{\"config\":{\"polling\":{\"sleep\":\"%s\"}},\"_links\":{%s%s}}",
             server->sleep != NULL ? server->sleep : "00:00:04", attributes, link);
    answer(server, 200, server->raw_poll != NULL ? server->raw_poll : body);
    if (server->raw_head != NULL)
        answer_raw(server, server->raw_head);
}

static void answer_deployment(struct ddi_server *server)
{
    char body[2048], hex[65], window[64] = "";
    server->deployments++;
    for (unsigned i = 0; i < 32; i++)
        sprintf(hex + 2 * i, "%02x", server->digest[i]);
    if (server->window != NULL)
        snprintf(window, sizeof window, "\"maintenanceWindow\":\"%s\",", server->window);
    snprintf(body, sizeof body,
             "{\"id\":\"%u\",\"deployment\":{\"download\":\"%s\",\"update\":\"%s\",%s\"chunks\":[{"
             "\"part\":\"os\",\"version\":\"1\",\"name\":\"lamp\",\"artifacts\":[{\"filename\":"
             "\"fw.bin\",\"hashes\":{\"sha1\":\"\",\"md5\":\"\",\"sha256\":\"%s\"},\"size\":%u,"
             "\"_links\":{\"download\":{\"href\":\"%s" BASE
             "/softwaremodules/1/artifacts/fw.bin\"}}}]}]}}",
             server->action, server->download != NULL ? server->download : "forced",
             server->update != NULL ? server->update : "forced", window, hex, server->length,
             server->link_origin != NULL ? server->link_origin : ORIGIN);
    answer(server, 200, server->raw_deployment != NULL ? server->raw_deployment : body);
}

static void answer_file(struct ddi_server *server)
{
    const char *range = strstr(server->request, "\r\nRange: bytes=");
    server->at = 0;
    server->end = server->length;
    if (range == NULL || server->no_ranges) {
        server->files++;
        snprintf(server->head, sizeof server->head,
                 "HTTP/1.1 200 OK\r\nETag: \"sha1\"\r\nContent-Length: %u\r\n%s\r\n",
                 server->length,
                 server->no_ranges && !server->claims_ranges ? "" : "Accept-Ranges: bytes\r\n");
    } else {
        server->parts++;
        server->at = (uint32_t)strtoul(range + strlen("\r\nRange: bytes="), NULL, 10);
        server->last_first = server->at;
        snprintf(server->head, sizeof server->head,
                 "HTTP/1.1 206 P\r\nETag: \"sha1\"\r\nContent-Length: %u\r\n"
                 "Content-Range: bytes %u-%u/%u\r\n\r\n",
                 server->length - server->at, server->at, server->length - 1, server->length);
    }
    server->head_length = (uint32_t)strlen(server->head);
}

static bool says(const struct ddi_server *server, const char *text)
{
    return strstr(server->told, text) != NULL;
}

static void hear_end(struct ddi_server *server, bool cancel)
{
    bool good = says(server, "\"finished\":\"success\"");
    if (server->end_status != 0) {
        answer(server, server->end_status, "");
        return;
    }
    if (server->outcome != DDI_OPEN) {
        server->late++;
        answer(server, 410, "");
        return;
    }
    server->ends++;
    server->outcome = cancel ? DDI_CANCELED : good ? DDI_FINISHED : DDI_ERROR;
    answer(server, 200, "");
    if (server->lost_ends > 0) {
        server->lost_ends--;
        server->losing = true;
    }
}

static void hear(struct ddi_server *server, const char *body, bool cancel)
{
    snprintf(server->told, sizeof server->told, "%s", body);
    if (says(server, "\"closed\"")) {
        hear_end(server, cancel);
        return;
    }
    if (server->quits) {
        server->outcome = DDI_CANCELED;
        answer(server, 410, "");
        return;
    }
    server->notices++;
    if (says(server, "[\"downloaded ")) {
        server->quarters++;
        strcpy(server->progress, server->told);
    }
    server->canceling =
        server->canceling || (server->cancel_at_switch && says(server, "rebooting into"));
    if (server->notice_status == 0 && says(server, "\"downloaded\"") && server->update != NULL &&
        strcmp(server->update, "skip") == 0 && server->window == NULL)
        server->outcome = DDI_DOWNLOADED;
    answer(server, server->notice_status != 0 ? server->notice_status : 200, "");
}

static void answer_known(struct ddi_server *server, const char *rest, const char *body)
{
    char deployment[64], feedback[64], cancel[64], canceled[64], json[64];
    snprintf(deployment, sizeof deployment, "/deploymentBase/%u?c=-1 ", server->action);
    snprintf(feedback, sizeof feedback, "/deploymentBase/%u/feedback ", server->action);
    snprintf(cancel, sizeof cancel, "/cancelAction/%u ", server->action);
    snprintf(canceled, sizeof canceled, "/cancelAction/%u/feedback ", server->action);
    bool get = strncmp(server->request, "GET", 3) == 0;
    if (get && rest[0] == ' ') {
        answer_poll(server);
    } else if (strncmp(rest, "/configData ", 12) == 0 && strncmp(server->request, "PUT", 3) == 0) {
        snprintf(server->attributes, sizeof server->attributes, "%s", body);
        server->wants_attributes = server->insatiable;
        answer(server, 200, "");
    } else if (get && strncmp(rest, deployment, strlen(deployment)) == 0) {
        answer_deployment(server);
    } else if (get && strncmp(rest, cancel, strlen(cancel)) == 0) {
        snprintf(json, sizeof json, "{\"id\":\"%u\",\"cancelAction\":{\"stopId\":\"%u\"}}",
                 server->action, server->action);
        answer(server, 200, json);
    } else if (strncmp(rest, feedback, strlen(feedback)) == 0) {
        hear(server, body, false);
        if (server->raw_heard != NULL)
            answer_raw(server, server->raw_heard);
    } else if (strncmp(rest, canceled, strlen(canceled)) == 0) {
        hear(server, body, true);
        if (server->raw_heard != NULL)
            answer_raw(server, server->raw_heard);
    } else if (get && strncmp(rest, "/softwaremodules/1/artifacts/fw.bin ", 36) == 0) {
        if (server->file_status != 0 || server->canceling)
            answer(server, server->file_status != 0 ? server->file_status : 404, "");
        else
            answer_file(server);
    } else {
        server->unknown += strstr(rest, "/feedback ") == NULL;
        answer(server, 404, "");
    }
}

static void answer_request(struct ddi_server *server, const char *body)
{
    const char *path = strchr(server->request, ' ') + 1;
    server->at = server->end = 0;
    server->head_sent = server->sent_here = 0;
    server->answering = true;
    server->requests++;
    if (server->every_status != 0) {
        answer(server, server->every_status, "");
    } else if (strncmp(path, BASE, strlen(BASE)) != 0 ||
               strstr(server->request, "\r\nAuthorization: TargetToken s3cret\r\n") == NULL) {
        server->unknown++;
        answer(server, 401, "");
    } else {
        answer_known(server, path + strlen(BASE), body);
    }
}

/* --- the connection -------------------------------------------------------------------------- */

static bool again(struct ddi_server *server)
{
    server->turn = !server->turn;
    return server->turn;
}

static int net_connect(void *context, const char *host, uint16_t port)
{
    struct ddi_server *server = context;
    (void)host;
    (void)port;
    if (again(server))
        return AGENT_AGAIN;
    server->connections++;
    server->asked = 0;
    server->answering = server->losing = false;
    return AGENT_OK;
}

static int net_send(void *context, const void *bytes, size_t length)
{
    struct ddi_server *server = context;
    uint32_t take = length < 100 ? (uint32_t)length : 100;
    if (again(server))
        return AGENT_AGAIN;
    if (server->answering || server->asked + take >= sizeof server->request)
        abort(); /* a request before the last answer has come whole */
    memcpy(server->request + server->asked, bytes, take);
    server->asked += take;
    server->request[server->asked] = '\0';
    const char *end = strstr(server->request, "\r\n\r\n");
    const char *field = strstr(server->request, "\r\nContent-Length: ");
    size_t body = field != NULL ? strtoul(field + strlen("\r\nContent-Length: "), NULL, 10) : 0;
    if (end != NULL && strlen(end + 4) == body)
        answer_request(server, end + 4);
    return (int)take;
}

static int give(struct ddi_server *server, void *bytes, size_t size, const void *from,
                uint32_t left)
{
    uint32_t portion = 1 + (server->sent_here * 7 + server->head_sent * 3) % 1500;
    if (portion > left)
        portion = left;
    if (portion > size)
        portion = (uint32_t)size;
    memcpy(bytes, from, portion);
    return (int)portion;
}

static void exchange_over(struct ddi_server *server)
{
    if (server->head_sent == server->head_length && server->at == server->end && !server->closes) {
        server->answering = false;
        server->asked = 0;
    }
}

static void cut(struct ddi_server *server)
{
    server->canceling = server->canceling || server->cancel_at_cut;
    if (!server->restless)
        server->cut_after = server->cuts_again > 0 ? server->cut_again_after : 0;
    server->cuts_again -= server->cuts_again > 0;
    if (server->status_at_cut != 0)
        server->every_status = server->status_at_cut;
    if (server->replaced_at_cut_by != NULL)
        ddi_server_order(server, server->action + 1, server->replaced_at_cut_by, server->length);
}

static int net_receive(void *context, void *bytes, size_t size)
{
    struct ddi_server *server = context;
    int given;
    if (server->losing)
        return 0;
    if (!server->answering || again(server))
        return AGENT_AGAIN;
    if (server->head_sent < server->head_length) {
        given = give(server, bytes, size, server->head + server->head_sent,
                     server->head_length - server->head_sent);
        server->head_sent += (uint32_t)given;
        exchange_over(server);
        return given;
    }
    uint32_t left = server->end - server->at;
    if (server->cut_after != 0 && left > server->cut_after - server->sent_here)
        left = server->cut_after - server->sent_here;
    if (left == 0) {
        cut(server);
        return 0;
    }
    if (server->idle++ < server->slow)
        return AGENT_AGAIN;
    server->idle = 0;
    given = give(server, bytes, size, server->file + server->at, left);
    server->at += (uint32_t)given;
    server->canceling =
        server->canceling || (server->cancel_at != 0 && server->at >= server->cancel_at);
    server->sent_here += (uint32_t)given;
    exchange_over(server);
    return given;
}

static void net_close(void *context)
{
    struct ddi_server *server = context;
    server->answering = false;
}

struct agent_net ddi_server_net(struct ddi_server *server)
{
    return (struct agent_net){server, net_connect, net_send, net_receive, net_close};
}
