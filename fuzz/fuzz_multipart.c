/* multipart/form-data: the first line is the Content-Type field, the rest the body.
 *
 * Beyond memory safety: parts lie inside the body, in order, without the delimiter in them; and
 * what was read, written again in the plainest form, reads the same.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "server/mgmt/multipart.h"

#define AGAIN_MAX 65536

struct parts {
    struct multipart_part part[MULTIPART_PARTS_MAX];
    size_t count;
};

static enum multipart_step read_parts(const char *type, const char *body, size_t length,
                                      struct parts *out, struct multipart *reader)
{
    enum multipart_step step = MULTIPART_BROKEN;
    const char *before = body;
    out->count = 0;
    if (!multipart_open(reader, type, body, length))
        return step;
    struct multipart_part part;
    while ((step = multipart_next(reader, &part)) == MULTIPART_PART) {
        require(part.data >= before && part.data + part.length <= body + length);
        require(memmem(part.data, part.length, reader->delimiter, reader->delimiter_length) ==
                NULL);
        require(part.name[0] != '\0');
        before = part.data + part.length;
        require(out->count < MULTIPART_PARTS_MAX);
        out->part[out->count++] = part;
    }
    return step;
}

static size_t put(char *out, size_t used, const char *text, size_t length)
{
    require(used + length <= AGAIN_MAX);
    memcpy(out + used, text, length);
    return used + length;
}

static size_t put_quoted(char *out, size_t used, const char *text)
{
    used = put(out, used, "\"", 1);
    for (; *text != '\0'; text++) {
        if (*text == '%' || *text == '"' || *text == '\\') /* '%' may stand before 22 */
            used = *text == '%' ? used : put(out, used, "\\", 1);
        used = put(out, used, text, 1);
    }
    return put(out, used, "\"", 1);
}

/* "%22" in a name that was read is what no plain form can say. */
static bool sayable(const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (strstr(parts->part[i].name, "%22") != NULL ||
            strstr(parts->part[i].filename, "%22") != NULL)
            return false;
    }
    return true;
}

static void check_again(const struct multipart *reader, const struct parts *parts)
{
    static char body[AGAIN_MAX];
    char type[256];
    char quoted[2 * MULTIPART_BOUNDARY_MAX + 4];
    const char *delimiter = reader->delimiter;
    struct parts again;
    struct multipart second;
    size_t used = 0;
    quoted[put_quoted(quoted, 0, delimiter + 4)] = '\0';
    snprintf(type, sizeof type, "multipart/form-data; boundary=%s", quoted);
    if (strstr(delimiter, "%22") != NULL || !sayable(parts))
        return;
    for (size_t i = 0; i < parts->count; i++) {
        const struct multipart_part *part = &parts->part[i];
        used = put(body, used, delimiter + (i == 0 ? 2 : 0), strlen(delimiter) - (i == 0 ? 2 : 0));
        used = put(body, used, "\r\nContent-Disposition: form-data; name=", 39);
        used = put_quoted(body, used, part->name);
        if (part->is_file) {
            used = put(body, used, "; filename=", 11);
            used = put_quoted(body, used, part->filename);
        }
        used = put(body, used, "\r\n\r\n", 4);
        used = put(body, used, part->data, part->length);
    }
    used =
        put(body, used, delimiter + (used == 0 ? 2 : 0), strlen(delimiter) - (used == 0 ? 2 : 0));
    used = put(body, used, "--", 2);
    require(read_parts(type, body, used, &again, &second) == MULTIPART_END);
    require(again.count == parts->count);
    for (size_t i = 0; i < parts->count; i++) {
        require(strcmp(again.part[i].name, parts->part[i].name) == 0);
        require(strcmp(again.part[i].filename, parts->part[i].filename) == 0);
        require(again.part[i].length == parts->part[i].length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct multipart reader;
    struct parts parts;
    const uint8_t *line_end = memchr(data, '\n', size);
    if (line_end == NULL || size > AGAIN_MAX / 4 || memchr(data, '\0', (size_t)(line_end - data)))
        return 0;
    char *type = strndup((const char *)data, (size_t)(line_end - data));
    size_t length = size - (size_t)(line_end + 1 - data);
    char *body = malloc(length > 0 ? length : 1); /* its own, so that its end is seen */
    require(type != NULL && body != NULL);
    memcpy(body, line_end + 1, length);
    if (read_parts(type, body, length, &parts, &reader) == MULTIPART_END)
        check_again(&reader, &parts);
    free(body);
    free(type);
    return 0;
}
