/* server/release/ota_target.c: see server/release/ota_target.h. */
#include "server/release/ota_target.h"

#include <string.h>

#define HEALTH_PATH  "/healthz"
#define RELEASE_ROOT "/ota/"
#define IMAGE_SUFFIX ".bin"
#define INFO_SUFFIX  ".json"
#define STORE_FOLDER "artifacts" /* beside the products, see server/release/store.h */

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool name_valid(const char *name, size_t length)
{
    if (length == 0 || length > NAME_BYTES_MAX || name[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!name_char(name[i])) {
            return false;
        }
    }
    return true;
}

bool name_valid_product(const char *name, size_t length)
{
    bool reserved = length == strlen(STORE_FOLDER) && memcmp(name, STORE_FOLDER, length) == 0;
    return name_valid(name, length) && !reserved;
}

static bool equals(const char *text, size_t length, const char *literal)
{
    return length == strlen(literal) && memcmp(text, literal, length) == 0;
}

static bool strip_suffix(const char *text, size_t *length, const char *suffix)
{
    size_t n = strlen(suffix);
    if (*length < n || memcmp(text + *length - n, suffix, n) != 0) {
        return false;
    }
    *length -= n;
    return true;
}

/* "<product>/<channel>.<suffix>" */
static struct ota_target parse_release(const char *text, size_t length)
{
    struct ota_target none = {.kind = TARGET_NONE};
    struct ota_target target = {.kind = TARGET_NONE};
    const char *slash = memchr(text, '/', length);
    if (slash == NULL) {
        return none;
    }
    size_t product_length = (size_t)(slash - text);
    const char *channel = slash + 1;
    size_t channel_length = length - product_length - 1;
    if (strip_suffix(channel, &channel_length, IMAGE_SUFFIX)) {
        target.kind = TARGET_IMAGE;
    } else if (strip_suffix(channel, &channel_length, INFO_SUFFIX)) {
        target.kind = TARGET_INFO;
    } else {
        return none;
    }
    if (!name_valid_product(text, product_length) || !name_valid(channel, channel_length)) {
        return none;
    }
    memcpy(target.product, text, product_length);
    memcpy(target.channel, channel, channel_length);
    return target;
}

struct ota_target ota_target_parse(const char *path, size_t length)
{
    size_t root = strlen(RELEASE_ROOT);
    if (equals(path, length, HEALTH_PATH)) {
        return (struct ota_target){.kind = TARGET_HEALTH};
    }
    if (length > root && memcmp(path, RELEASE_ROOT, root) == 0) {
        return parse_release(path + root, length - root);
    }
    return (struct ota_target){.kind = TARGET_NONE};
}
