/* device/agent/http.c: see http.h. RFC 9110 and 9112 name the fields. */
#include "device/agent/http.h"

#include <string.h>

#include "device/agent/writer.h"

/* A piece of text that is not NUL-terminated. */
struct text {
    const uint8_t *bytes;
    size_t length;
};

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool text_is(struct text text, const char *word)
{
    size_t i;
    for (i = 0; i < text.length && word[i] != '\0'; i++) {
        if (lower(text.bytes[i]) != (uint8_t)word[i])
            return false;
    }
    return i == text.length && word[i] == '\0';
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct text trim(struct text text)
{
    while (text.length > 0 && is_blank(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Takes a decimal number off the front of *text. */
static bool take_number(struct text *text, uint32_t *number)
{
    size_t digits = 0;
    uint32_t value = 0;
    while (digits < text->length && is_digit(text->bytes[digits])) {
        uint32_t digit = (uint32_t)(text->bytes[digits] - '0');
        if (value > (UINT32_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
        digits++;
    }
    text->bytes += digits;
    text->length -= digits;
    *number = value;
    return digits > 0;
}

static bool take_byte(struct text *text, char byte)
{
    if (text->length == 0 || text->bytes[0] != (uint8_t)byte)
        return false;
    text->bytes++;
    text->length--;
    return true;
}

static int read_length(struct text value, struct http_response *response)
{
    if (response->has_length)
        return HTTP_EDUPLICATE;
    if (!take_number(&value, &response->length) || value.length != 0)
        return HTTP_ENUMBER;
    response->has_length = true;
    return 0;
}

/* "bytes 0-9/10". The total must be known. */
static int read_range(struct text value, struct http_response *response)
{
    struct text unit = {value.bytes, 6};
    if (response->has_range)
        return HTTP_EDUPLICATE;
    if (value.length < unit.length || !text_is(unit, "bytes "))
        return HTTP_ENUMBER;
    value.bytes += unit.length;
    value.length -= unit.length;
    if (!take_number(&value, &response->first) || !take_byte(&value, '-') ||
        !take_number(&value, &response->last) || !take_byte(&value, '/') ||
        !take_number(&value, &response->total) || value.length != 0)
        return HTTP_ENUMBER;
    if (response->first > response->last || response->last >= response->total)
        return HTTP_ENUMBER;
    response->has_range = true;
    return 0;
}

static int hex_digit(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const uint8_t *hex, uint8_t out[HTTP_ETAG_BYTES])
{
    for (size_t i = 0; i < HTTP_ETAG_BYTES; i++) {
        int high = hex_digit(hex[2 * i]);
        int low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int read_etag(struct text value, bool *seen, struct http_response *response)
{
    if (*seen)
        return HTTP_EDUPLICATE;
    *seen = true;
    response->has_etag = value.length == 2 * HTTP_ETAG_BYTES + 2 && value.bytes[0] == '"' &&
                         value.bytes[value.length - 1] == '"' &&
                         read_hex(value.bytes + 1, response->etag);
    return 0;
}

static void read_retry_after(struct text value, struct http_response *response)
{
    size_t digits = 0;
    while (digits < value.length && is_digit(value.bytes[digits]))
        digits++;
    response->retry_at_date = digits == 0 || digits < value.length;
    if (response->retry_at_date)
        response->retry_after = 0;
    else if (!take_number(&value, &response->retry_after))
        response->retry_after = UINT32_MAX;
}

static int read_field(struct text line, bool *etag_seen, struct http_response *response)
{
    const uint8_t *colon = memchr(line.bytes, ':', line.length);
    if (colon == NULL || colon == line.bytes || is_blank(line.bytes[0]) || is_blank(colon[-1]))
        return HTTP_ESYNTAX;
    struct text name = {line.bytes, (size_t)(colon - line.bytes)};
    struct text value = trim((struct text){colon + 1, line.length - name.length - 1});
    if (text_is(name, "content-length"))
        return read_length(value, response);
    if (text_is(name, "content-range"))
        return read_range(value, response);
    if (text_is(name, "etag"))
        return read_etag(value, etag_seen, response);
    if (text_is(name, "connection"))
        response->closes = response->closes || text_is(value, "close");
    if (text_is(name, "accept-ranges"))
        response->ranges = text_is(value, "bytes");
    if (text_is(name, "retry-after"))
        read_retry_after(value, response);
    if (text_is(name, "transfer-encoding"))
        return HTTP_ECODING;
    if (text_is(name, "content-encoding") && !text_is(value, "identity"))
        return HTTP_ECODING;
    return 0;
}

/* "HTTP/1.1 200 OK"; the phrase may be missing. */
static int read_status(struct text line, struct http_response *response)
{
    static const char version[] = "http/1.1 ";
    struct text start = {line.bytes, sizeof version - 1};
    uint32_t status;
    if (line.length < start.length + 3 || !text_is(start, version))
        return HTTP_ESYNTAX;
    struct text rest = {line.bytes + start.length, line.length - start.length};
    struct text digits = {rest.bytes, 3};
    if (!take_number(&digits, &status) || digits.length != 0 || status < 100 || status > 599)
        return HTTP_ESYNTAX;
    if (rest.length > 3 && rest.bytes[3] != ' ')
        return HTTP_ESYNTAX;
    response->status = (int)status;
    return 0;
}

/* The line that starts at bytes[at], without its CR LF. Returns the length with it, 0 when it has
 * not ended yet, HTTP_ESYNTAX for a control character or a bare CR or LF. */
static int take_line(const uint8_t *bytes, size_t length, struct text *line)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t c = bytes[i];
        if (c == '\r') {
            if (i + 1 == length)
                return 0;
            *line = (struct text){bytes, i};
            return bytes[i + 1] == '\n' ? (int)i + 2 : HTTP_ESYNTAX;
        }
        if ((c < ' ' && c != '\t') || c == 0x7F)
            return HTTP_ESYNTAX;
    }
    return 0;
}

/* Does another answer follow this one? */
static bool is_interim(const struct http_response *response)
{
    return response->status < 200 && response->status != 101;
}

int http_response_parse(const uint8_t *bytes, size_t length, struct http_response *response)
{
    size_t limit = length < HTTP_HEADER_MAX ? length : HTTP_HEADER_MAX;
    size_t at = 0;
    bool etag_seen = false;
    memset(response, 0, sizeof *response);
    for (;;) {
        struct text line;
        int taken = take_line(bytes + at, limit - at, &line);
        if (taken < 0)
            return taken;
        if (taken == 0)
            return length >= HTTP_HEADER_MAX ? HTTP_ELENGTH : 0;
        at += (size_t)taken;
        int error = 0;
        if (response->status == 0) {
            error = read_status(line, response);
        } else if (line.length > 0) {
            error = read_field(line, &etag_seen, response);
        } else if (!is_interim(response)) {
            return (int)at;
        } else {
            memset(response, 0, sizeof *response);
            etag_seen = false;
        }
        if (error != 0)
            return error;
    }
}

const char *http_error_text(int error)
{
    switch (error) {
    case HTTP_ELENGTH:
        return "its header is too long";
    case HTTP_ESYNTAX:
        return "its header is malformed";
    case HTTP_ENUMBER:
        return "a length or range in it makes no sense";
    case HTTP_EDUPLICATE:
        return "a header field comes twice";
    case HTTP_ECODING:
        return "it is encoded";
    default:
        return "its header is not understood";
    }
}

static void put_etag(struct writer *writer, const uint8_t etag[HTTP_ETAG_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * HTTP_ETAG_BYTES + 3];
    text[0] = '"';
    for (size_t i = 0; i < HTTP_ETAG_BYTES; i++) {
        text[1 + 2 * i] = digits[etag[i] >> 4];
        text[2 + 2 * i] = digits[etag[i] & 15];
    }
    text[sizeof text - 2] = '"';
    text[sizeof text - 1] = '\0';
    writer_put(writer, text);
}

static void put_conditions(struct writer *writer, const struct http_request *request)
{
    for (size_t i = 0; i < request->not_wanted_count; i++) {
        writer_put(writer, i == 0 ? "If-None-Match: " : ", ");
        put_etag(writer, request->not_wanted[i]);
    }
    writer_put(writer, request->not_wanted_count > 0 ? "\r\n" : "");
    if (request->resume_offset == 0)
        return;
    if (request->resume_etag != NULL) {
        writer_put(writer, "If-Range: ");
        put_etag(writer, request->resume_etag);
        writer_put(writer, "\r\n");
    }
    writer_put(writer, "Range: bytes=");
    writer_put_number(writer, request->resume_offset);
    writer_put(writer, "-\r\n");
}

size_t http_request_write(const struct http_request *request, char *out, size_t size)
{
    struct writer writer = {out, size, 0};
    writer_put(&writer, request->method);
    writer_put(&writer, " ");
    writer_put(&writer, request->path);
    writer_put(&writer, " HTTP/1.1\r\nHost: ");
    writer_put(&writer, request->host);
    writer_put(&writer, ":");
    writer_put_number(&writer, request->port);
    writer_put(&writer, "\r\nUser-Agent: trustchain-agent/");
    writer_put_word(&writer, request->version);
    writer_put(&writer, request->stay ? "\r\n" : "\r\nConnection: close\r\n");
    if (request->token != NULL) {
        writer_put(&writer, "Authorization: ");
        writer_put(&writer, request->gateway ? "GatewayToken " : "TargetToken ");
        writer_put(&writer, request->token);
        writer_put(&writer, "\r\n");
    }
    put_conditions(&writer, request);
    if (request->body != NULL) {
        writer_put(&writer, "Content-Type: application/json\r\nContent-Length: ");
        writer_put_number(&writer, (uint32_t)strlen(request->body));
        writer_put(&writer, "\r\n");
    }
    writer_put(&writer, "\r\n");
    if (request->body != NULL)
        writer_put(&writer, request->body);
    return writer_length(&writer);
}
