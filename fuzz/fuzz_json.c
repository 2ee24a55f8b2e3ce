/* json: what a DDI server may answer to the update agent (device/agent/json.h and ddi.h).
 *
 * Promises: what is accepted is a value without blanks around it, which opens again as itself; each
 * member and element lies within; a text shorter by its last byte is none unless that was a blank
 * or a digit; names and strings are what their own reading says. A path that DDI's readers give out
 * starts with '/', is printable and came from the configured origin.
 */
#include <string.h>

#include "device/agent/ddi.h"
#include "device/agent/json.h"
#include "fuzz/fuzz.h"

#define ELEMENTS_MAX 64

static const struct ddi_origin origin = {"h.test", 8443};

static void check_within(struct json outer, struct json inner)
{
    struct json again;
    require(inner.text > outer.text && inner.length < outer.length);
    require(inner.text + inner.length < outer.text + outer.length);
    require(json_open(inner.text, inner.length, &again));
    require(again.text == inner.text && again.length == inner.length);
}

static void check_string(struct json value)
{
    char text[64];
    if (!json_text(value, text, sizeof text))
        return;
    require(json_equals(value, text));
    require(strlen(text) == 0 || !json_text(value, text, strlen(text)));
}

static void check_value(struct json value)
{
    static const char *const names[] = {"", "a", "id", "_links", "href", "deployment"};
    struct json inner;
    uint32_t number;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (json_member(value, names[i], &inner))
            check_within(value, inner);
    }
    for (size_t i = 0; i < ELEMENTS_MAX && json_element(value, i, &inner); i++) {
        check_within(value, inner);
        check_string(inner);
    }
    require(!json_number(value, &number) || (value.text[0] >= '0' && value.text[0] <= '9'));
    check_string(value);
}

static void check_path(const char *path)
{
    require(path[0] == '/' && strlen(path) < AGENT_PATH_BYTES);
    for (; *path != '\0'; path++)
        require(*path > ' ' && *path <= '~');
}

static void check_ddi(const uint8_t *data, size_t size)
{
    struct ddi_deployment deployment;
    enum ddi_link link;
    char path[AGENT_PATH_BYTES];
    uint32_t number = 1000;
    if (ddi_read_poll(data, size, origin, (size & 1) != 0, &link, path, &number) ==
            AGENT_REASON_NONE &&
        link != DDI_NOTHING)
        check_path(path);
    require(number >= 1000 && number < 86400000);
    if (ddi_read_deployment(data, size, origin, &deployment) == AGENT_REASON_NONE) {
        require(deployment.action != 0);
        if (deployment.problem == AGENT_REASON_NONE)
            check_path(deployment.path);
    }
    if (ddi_read_cancel(data, size, &number) == AGENT_REASON_NONE)
        require(number != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json value, shorter;
    if (json_open(data, size, &value)) {
        require(value.text >= data && value.text + value.length <= data + size);
        check_value(value);
        uint8_t last = value.text[value.length - 1];
        bool digit = last >= '0' && last <= '9';
        require(digit || !json_open(value.text, value.length - 1, &shorter));
    }
    check_ddi(data, size);
    return 0;
}
