/* device/agent/ddi.c: see ddi.h. */
#include "device/agent/ddi.h"

#include <string.h>

#include "device/agent/json.h"
#include "device/agent/writer.h"

#define HTTPS_PORT 443u

/* --- links --------------------------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Takes `word` off the front of *text, in any case. */
static bool take_word(const char **text, const char *word)
{
    size_t i;
    for (i = 0; word[i] != '\0'; i++) {
        if (lower((*text)[i]) != lower(word[i]))
            return false;
    }
    *text += i;
    return true;
}

/* ":PORT", or nothing, which means 443. */
static bool take_port(const char **text, uint16_t port)
{
    uint32_t number = 0;
    if (**text != ':')
        return port == HTTPS_PORT;
    for (++*text; **text >= '0' && **text <= '9' && number <= UINT16_MAX; ++*text)
        number = number * 10 + (uint32_t)(**text - '0');
    return number == port;
}

/* "https://host[:port]/path" to the origin's path, which goes into a request line as it is. */
static bool read_link(struct json links, const char *name, struct ddi_origin origin,
                      char path[AGENT_PATH_BYTES])
{
    struct json link;
    char url[sizeof "https://" + 253 + sizeof ":65535" + AGENT_PATH_BYTES];
    const char *at = url;
    if (!json_member(links, name, &link) || !json_member(link, "href", &link) ||
        !json_text(link, url, sizeof url))
        return false;
    if (!take_word(&at, "https://") || !take_word(&at, origin.host) ||
        !take_port(&at, origin.port) || *at != '/')
        return false;
    size_t length = 0;
    while (at[length] > ' ' && at[length] <= '~' && at[length] != '#')
        length++;
    if (at[length] != '\0' || length >= AGENT_PATH_BYTES)
        return false;
    memcpy(path, at, length + 1);
    return true;
}

/* --- poll ---------------------------------------------------------------------------------- */

static bool two_digits(const char *text, uint32_t limit, uint32_t *number)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return false;
    *number = (uint32_t)(text[0] - '0') * 10 + (uint32_t)(text[1] - '0');
    return *number < limit;
}

/* "HH:MM:SS" */
static void read_sleep(struct json answer, uint32_t *poll_ms)
{
    struct json value;
    char text[sizeof "HH:MM:SS"];
    uint32_t hours, minutes, seconds;
    if (!json_member(answer, "config", &value) || !json_member(value, "polling", &value) ||
        !json_member(value, "sleep", &value) || !json_text(value, text, sizeof text) ||
        strlen(text) != sizeof text - 1 || text[2] != ':' || text[5] != ':')
        return;
    if (!two_digits(text, 24, &hours) || !two_digits(text + 3, 60, &minutes) ||
        !two_digits(text + 6, 60, &seconds))
        return;
    uint32_t total = hours * 3600 + minutes * 60 + seconds;
    if (total > 0)
        *poll_ms = total * 1000;
}

enum agent_reason ddi_read_poll(const uint8_t *bytes, size_t length, struct ddi_origin origin,
                                bool wanted, enum ddi_link *link, char path[AGENT_PATH_BYTES],
                                uint32_t *poll_ms)
{
    static const char *const names[] = {
        [DDI_ATTRIBUTES] = "configData",
        [DDI_CANCEL] = "cancelAction",
        [DDI_DEPLOYMENT] = "deploymentBase",
    };
    struct json answer, links, one;
    *link = DDI_NOTHING;
    if (!json_open(bytes, length, &answer) || answer.text[0] != '{')
        return AGENT_REASON_ANSWER;
    read_sleep(answer, poll_ms);
    if (!json_member(answer, "_links", &links))
        return AGENT_REASON_NONE;
    for (int i = wanted ? DDI_ATTRIBUTES : DDI_CANCEL; i <= DDI_DEPLOYMENT; i++) {
        if (!json_member(links, names[i], &one))
            continue;
        if (!read_link(links, names[i], origin, path))
            return AGENT_REASON_ORIGIN;
        *link = (enum ddi_link)i;
        break;
    }
    return AGENT_REASON_NONE;
}

/* --- actions ------------------------------------------------------------------------------- */

/* Digits in a string, above 0 and below 2^32. */
static bool read_id(struct json object, const char *name, uint32_t *id)
{
    struct json value;
    if (!json_member(object, name, &value) || value.length < 3 || value.text[0] != '"')
        return false;
    struct json digits = {value.text + 1, value.length - 2};
    return json_number(digits, id) && *id != 0;
}

enum agent_reason ddi_read_cancel(const uint8_t *bytes, size_t length, uint32_t *action)
{
    struct json answer, cancel;
    bool good = json_open(bytes, length, &answer) && json_member(answer, "cancelAction", &cancel) &&
                read_id(cancel, "stopId", action);
    return good ? AGENT_REASON_NONE : AGENT_REASON_ANSWER;
}

/* "skip", "attempt", "forced": the last two are the same to a device without a user. */
static bool read_mode(struct json deployment, const char *name, bool *allowed)
{
    struct json value;
    if (!json_member(deployment, name, &value))
        return false;
    *allowed = json_equals(value, "attempt") || json_equals(value, "forced");
    return *allowed || json_equals(value, "skip");
}

static bool read_window(struct json deployment, bool *open)
{
    struct json value;
    *open = true;
    if (!json_member(deployment, "maintenanceWindow", &value))
        return true;
    *open = json_equals(value, "available");
    return *open || json_equals(value, "unavailable");
}

/* The only element of an array. */
static bool read_only(struct json object, const char *name, struct json *element)
{
    struct json array, second;
    return json_member(object, name, &array) && json_element(array, 0, element) &&
           !json_element(array, 1, &second);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_digest(struct json artifact, uint8_t digest[HTTP_ETAG_BYTES])
{
    struct json value;
    char hex[2 * HTTP_ETAG_BYTES + 1];
    if (!json_member(artifact, "hashes", &value) || !json_member(value, "sha256", &value) ||
        !json_text(value, hex, sizeof hex) || strlen(hex) != sizeof hex - 1)
        return false;
    for (size_t i = 0; i < HTTP_ETAG_BYTES; i++) {
        int high = hex_digit(hex[2 * i]);
        int low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static enum agent_reason read_artifact(struct json deployment, struct ddi_origin origin,
                                       struct ddi_deployment *out)
{
    struct json value, artifact;
    if (!read_only(deployment, "chunks", &value) || !read_only(value, "artifacts", &artifact) ||
        !json_member(artifact, "size", &value) || !json_number(value, &out->length) ||
        !read_digest(artifact, out->digest) || !json_member(artifact, "_links", &value))
        return AGENT_REASON_ARTIFACTS;
    if (!read_link(value, "download", origin, out->path) &&
        !read_link(value, "download-http", origin, out->path))
        return AGENT_REASON_ORIGIN;
    return AGENT_REASON_NONE;
}

enum agent_reason ddi_read_deployment(const uint8_t *bytes, size_t length, struct ddi_origin origin,
                                      struct ddi_deployment *out)
{
    struct json answer, deployment;
    bool open;
    memset(out, 0, sizeof *out);
    if (!json_open(bytes, length, &answer) || !read_id(answer, "id", &out->action) ||
        !json_member(answer, "deployment", &deployment) ||
        !read_mode(deployment, "download", &out->download) ||
        !read_mode(deployment, "update", &out->update) || !read_window(deployment, &open))
        return AGENT_REASON_ANSWER;
    out->update = out->update && open;
    out->problem = read_artifact(deployment, origin, out);
    return AGENT_REASON_NONE;
}

/* --- what is told -------------------------------------------------------------------------- */

static size_t finish(struct writer *writer)
{
    size_t length = writer_length(writer);
    writer->out[length] = '\0';
    return length;
}

size_t ddi_write_feedback(const struct ddi_feedback *feedback, char *out, size_t size)
{
    struct writer writer = {out, size, 0};
    writer_put(&writer, "{\"status\":{\"execution\":");
    writer_put_json(&writer, feedback->execution);
    if (feedback->code != 0) {
        writer_put(&writer, ",\"code\":");
        writer_put_number(&writer, feedback->code);
    }
    writer_put(&writer, ",\"result\":{\"finished\":");
    writer_put_json(&writer, feedback->finished);
    if (feedback->of != 0) {
        writer_put(&writer, ",\"progress\":{\"cnt\":");
        writer_put_number(&writer, feedback->done);
        writer_put(&writer, ",\"of\":");
        writer_put_number(&writer, feedback->of);
        writer_put(&writer, "}");
    }
    writer_put(&writer, "},\"details\":[");
    writer_put_json(&writer, feedback->text);
    writer_put(&writer, "]}}");
    return finish(&writer);
}

size_t ddi_write_attributes(const struct ddi_attribute *attributes, size_t count, char *out,
                            size_t size)
{
    struct writer writer = {out, size, 0};
    writer_put(&writer, "{\"mode\":\"merge\",\"data\":{");
    for (size_t i = 0; i < count; i++) {
        writer_put(&writer, i > 0 ? "," : "");
        writer_put_json(&writer, attributes[i].key);
        writer_put(&writer, ":");
        writer_put_json(&writer, attributes[i].value);
    }
    writer_put(&writer, "}}");
    return finish(&writer);
}
