/* agent: all that a server may answer to the update agent, over as many connections as it opens.
 *
 * The first byte of the input chooses the plain channel or DDI and how answers are cut into
 * portions. An answer is a length (u16, little-endian) and so many bytes; then the connection ends
 * if more is read. Nothing in it is signed by the key the agent trusts.
 *
 * Promises: no image is made bootable and nothing confirmed; only whole sectors of the passive slot
 * are erased and written, each after its erase; requests are well-formed, for the configured host
 * only, and show the token once; the agent never stands still.
 */
#include <string.h>

#include "chain/bytes.h"
#include "chain/image.h"
#include "chain/otadata.h"
#include "device/agent/agent.h"
#include "fuzz/fuzz.h"
#include "host/crypto.h"

#define SLOT_BYTES 0x8000u
#define STEPS_MAX  200000u

static uint8_t slots[2][SLOT_BYTES];

static struct world {
    const uint8_t *bytes;
    size_t left, portion, answer; /* of the input, at a time, of this answer */
    char request[AGENT_SECTOR_BYTES + 1];
    size_t asked;
    uint32_t now_ms, erased;
    struct agent_record record;
} world;

/* --- the server ---------------------------------------------------------------------------- */

static void check_request(void)
{
    static const char host[] = "\r\nHost: h.test:8443\r\n";
    static const char token[] = "\r\nAuthorization: TargetToken s3cret\r\n";
    const char *text = world.request;
    const char *end = strstr(text, "\r\n\r\n");
    const char *line = strstr(text, "\r\n");
    const char *shown = strstr(text, token);
    require(end != NULL && line != NULL && shown != NULL && shown < end);
    const char *again = strstr(shown + 2, "\r\nAuthorization");
    require(again == NULL || again > end);
    require(strncmp(text, "GET /", 5) == 0 || strncmp(text, "PUT /", 5) == 0 ||
            strncmp(text, "POST /", 6) == 0);
    require(strncmp(line, host, sizeof host - 1) == 0);
    require(line - text > 9 && strncmp(line - 9, " HTTP/1.1", 9) == 0);
    require(strchr(strchr(text, ' ') + 1, ' ') == line - 9);
    for (; text < end; text++)
        require((*text >= ' ' && *text <= '~') || *text == '\r' || *text == '\n');
}

static int net_connect(void *context, const char *name, uint16_t port)
{
    (void)context;
    require(strcmp(name, "h.test") == 0 && port == 8443);
    world.asked = world.answer = 0;
    return world.left > 0 ? AGENT_OK : AGENT_ENETWORK;
}

static int net_send(void *context, const void *bytes, size_t length)
{
    (void)context;
    require(length > 0 && world.asked + length < sizeof world.request);
    memcpy(world.request + world.asked, bytes, length);
    world.asked += length;
    world.request[world.asked] = '\0';
    return (int)length;
}

static void take(void *out, size_t length)
{
    memcpy(out, world.bytes, length);
    world.bytes += length;
    world.left -= length;
}

static void next_answer(void)
{
    uint8_t length[2] = {0, 0};
    check_request();
    world.asked = 0;
    take(length, world.left < sizeof length ? world.left : sizeof length);
    world.answer = le16_load(length);
    if (world.answer > world.left)
        world.answer = world.left;
}

static int net_receive(void *context, void *bytes, size_t size)
{
    (void)context;
    require(size > 0);
    if (world.asked > 0)
        next_answer();
    size_t part = size < world.answer ? size : world.answer;
    if (part > world.portion)
        part = world.portion;
    take(bytes, part);
    world.answer -= part;
    return (int)part;
}

static void net_close(void *context)
{
    (void)context;
}

/* --- the device ---------------------------------------------------------------------------- */

static int flash_erase(void *context, uint32_t offset)
{
    (void)context;
    require(offset % AGENT_SECTOR_BYTES == 0 && offset < SLOT_BYTES);
    memset(slots[1] + offset, 0xFF, AGENT_SECTOR_BYTES);
    world.erased = offset;
    return AGENT_OK;
}

static int flash_write(void *context, uint32_t offset, const void *bytes, size_t length)
{
    (void)context;
    require(offset == world.erased && length == AGENT_SECTOR_BYTES);
    memcpy(slots[1] + offset, bytes, length);
    return AGENT_OK;
}

static const uint8_t *flash_map(void *context, enum agent_slot slot)
{
    (void)context;
    return slots[slot == AGENT_PASSIVE];
}

static void flash_unmap(void *context, enum agent_slot slot)
{
    (void)context;
    (void)slot;
}

static unsigned running(void *context)
{
    (void)context;
    return 0;
}

static unsigned passive(void *context)
{
    (void)context;
    return 1;
}

static int state_of(void *context, unsigned slot, int *state)
{
    (void)context;
    *state = slot == 0 ? OTADATA_VALID : OTADATA_UNDEFINED;
    return AGENT_OK;
}

static int done(void *context)
{
    (void)context;
    return AGENT_OK;
}

static int never(void *context)
{
    const bool signed_by_the_trusted_key = context != NULL;
    require(signed_by_the_trusted_key);
    return AGENT_EBOOT;
}

static bool no(void *context)
{
    (void)context;
    return false;
}

static void never_reboot(void *context)
{
    (void)never(context);
}

static int load(void *context, struct agent_record *record)
{
    (void)context;
    *record = world.record;
    return AGENT_OK;
}

static int save(void *context, const struct agent_record *record)
{
    (void)context;
    require(record->refused_count <= AGENT_REFUSED_MAX && record->offset <= record->length);
    world.record = *record;
    return AGENT_OK;
}

static uint32_t milliseconds(void *context)
{
    (void)context;
    return world.now_ms;
}

static uint32_t chance(void *context)
{
    (void)context;
    return 4; /* as good as any */
}

static void told(void *context, const struct agent_event *event)
{
    char line[192];
    (void)context;
    require(event->kind != AGENT_EVENT_SWITCHING && event->kind != AGENT_EVENT_VERIFIED);
    require(strlen(agent_event_print(event, line, sizeof line)) < sizeof line - 1);
}

/* The running image: one segment, no more than know_running() reads (formats.md 1). */
static void make_running(void)
{
    static const uint32_t body = IMAGE_APP_DESC_BYTES;
    uint8_t *out = slots[0], checksum = IMAGE_CHECKSUM_SEED;
    memset(out, 0xFF, SLOT_BYTES);
    memset(out, 0, IMAGE_HEADER_BYTES + IMAGE_SEGMENT_BYTES + body + 16);
    out[0] = IMAGE_MAGIC;
    out[1] = 1;
    out[2] = 2;
    out[3] = 0x20;
    le32_store(out + 4, 0x42000020);
    le16_store(out + 12, IMAGE_CHIP_ESP32C6);
    le16_store(out + 17, 99);
    le32_store(out + IMAGE_HEADER_BYTES, 0x42000020);
    le32_store(out + IMAGE_HEADER_BYTES + 4, body);
    uint8_t *desc = out + IMAGE_APP_DESC_OFFSET;
    le32_store(desc, IMAGE_APP_DESC_MAGIC);
    memcpy(desc + 16, "1.0.0", 5);
    memcpy(desc + 48, "lamp", 4);
    desc[180] = 16;
    for (uint32_t i = 0; i < body; i++)
        checksum ^= desc[i];
    out[(IMAGE_APP_DESC_OFFSET + body) | 15] = checksum;
}

static const struct agent_config config = {
    .host = "h.test",
    .port = 8443,
    .product = "lamp",
    .channel = "stable",
    .token = "s3cret",
    .tenant = "DEFAULT",
    .poll_ms = 4000,
    .backoff_ms = 1000,
    .backoff_max_ms = 60000,
    .trial_ms = 20000,
    .trust = &(const struct sigblock_trust){.count = 1},
    .crypto = &host_crypto,
    .net = {NULL, net_connect, net_send, net_receive, net_close},
    .flash = {NULL, SLOT_BYTES, flash_erase, flash_write, flash_map, flash_unmap},
    .boot = {NULL, running, passive, state_of, done, never, never, never, no, never_reboot},
    .store = {NULL, load, save},
    .clock = {NULL, milliseconds, chance},
    .self_test = never,
    .event = told,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct agent agent;
    struct agent_config own = config;
    if (size == 0)
        return 0;
    if (slots[0][0] != IMAGE_MAGIC)
        make_running();
    world =
        (struct world){.bytes = data + 1, .left = size - 1, .portion = 1 + (data[0] >> 1) * 40u};
    own.device_id = (data[0] & 1) != 0 ? "lamp-1" : NULL;
    agent_init(&agent, &own);
    require(agent_poll(&agent) == 0 && agent.started);
    for (unsigned step = 0; world.left > 0; step++) {
        require(step < STEPS_MAX);
        world.now_ms += agent_poll(&agent);
    }
    return 0;
}
