/* The server's request parsers on arbitrary bytes: paths, ranges, entity tags.
 *
 * Beyond memory safety, what they promise: parts always lie inside the file and apart from each
 * other, and a path that is accepted is exactly the one spelling of what it names.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "server/etag.h"
#include "server/range.h"
#include "server/release/ota_target.h"

static void check_ranges(const char *text, size_t length, uint64_t size)
{
    struct ranges ranges;
    enum range_verdict verdict = ranges_parse(text, length, size, &ranges);
    const struct range *part = ranges.part;
    require(ranges.count > 0 && ranges.count <= RANGES_MAX);
    require(size != 0 || verdict != RANGE_PART);
    require(verdict == RANGE_PART ||
            (ranges.count == 1 && part->first == 0 && part->last == (size == 0 ? 0 : size - 1)));
    for (size_t i = 0; i < ranges.count; i++) {
        require(part[i].first <= part[i].last && (size == 0 || part[i].last < size));
        for (size_t k = 0; k < i; k++)
            require(part[i].first > part[k].last || part[i].last < part[k].first);
    }
}

static void check_path(const char *text, size_t length)
{
    char again[2 * NAME_BYTES_MAX + 16];
    struct ota_target target = ota_target_parse(text, length);
    if (target.kind != TARGET_IMAGE && target.kind != TARGET_INFO)
        return;
    snprintf(again, sizeof again, "/ota/%s/%s%s", target.product, target.channel,
             target.kind == TARGET_IMAGE ? ".bin" : ".json");
    require(strlen(again) == length && memcmp(again, text, length) == 0);
    require(strchr(target.product, '/') == NULL && strchr(target.channel, '/') == NULL);
    require(target.product[0] != '.' && target.channel[0] != '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t file_size;
    const char *text = (const char *)data;
    if (size < sizeof file_size)
        return 0;
    check_path(text, size);
    require(!etag_list_matches(text, size, "\"0123\"", ETAG_STRONG) ||
            etag_list_matches(text, size, "\"0123\"", ETAG_WEAK));
    memcpy(&file_size, data, sizeof file_size);
    check_ranges(text + sizeof file_size, size - sizeof file_size, file_size);
    check_ranges(text + sizeof file_size, size - sizeof file_size, file_size % 64);
    return 0;
}
