/* tests/unit/agent/test_slots.c: what the app does to otadata, record by record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chain/otadata.h"
#include "device/agent/agent.h"
#include "device/agent/slots.h"

static uint8_t flash[2 * OTADATA_SECTOR_BYTES];

static int flash_read(void *context, uint32_t offset, void *out, size_t length)
{
    (void)context;
    memcpy(out, flash + offset, length);
    return AGENT_OK;
}

static int flash_erase(void *context, uint32_t offset)
{
    (void)context;
    memset(flash + offset, 0xFF, REGION_SECTOR_BYTES);
    return AGENT_OK;
}

static int flash_write(void *context, uint32_t offset, const void *bytes, size_t length)
{
    (void)context;
    memcpy(flash + offset, bytes, length);
    return AGENT_OK;
}

static const struct agent_region region = {NULL, flash_read, NULL, flash_erase, flash_write};

#define NONE 0 /* sequence of an empty record */

struct records {
    uint32_t seq[2];
    uint32_t state[2];
};

static void set(const struct records *records)
{
    memset(flash, 0xFF, sizeof flash);
    for (unsigned i = 0; i < 2; i++) {
        if (records->seq[i] != NONE)
            otadata_record_build(flash + i * OTADATA_SECTOR_BYTES, records->seq[i],
                                 records->state[i]);
    }
}

static bool is_empty(unsigned index)
{
    return flash[index * OTADATA_SECTOR_BYTES] == 0xFF;
}

/* Slot 0 runs; odd sequence numbers name slot 0, even ones slot 1. */
static const struct {
    const char *name;
    struct records before;
    bool kept[2];
} forget[] = {
    {"nothing recorded", {{NONE, NONE}, {0, 0}}, {false, false}},
    {"only the running slot", {{1, NONE}, {OTADATA_VALID, 0}}, {true, false}},
    {"an older version beside it", {{1, 2}, {OTADATA_VALID, OTADATA_VALID}}, {true, false}},
    {"a failed version", {{1, 2}, {OTADATA_VALID, OTADATA_ABORTED}}, {true, false}},
    {"a rejected version", {{3, 2}, {OTADATA_VALID, OTADATA_INVALID}}, {true, false}},
    {"a choice that could not be loaded",
     {{1, 2}, {OTADATA_VALID, OTADATA_PENDING_VERIFY}},
     {true, false}},
    {"the running slot twice", {{1, 3}, {OTADATA_VALID, OTADATA_VALID}}, {true, true}},
    {"nothing but a failed version", {{NONE, 2}, {0, OTADATA_ABORTED}}, {false, true}},
    {"nothing but the passive slot", {{NONE, 2}, {0, OTADATA_VALID}}, {false, true}},
    {"the running slot's record is bad", {{1, 2}, {OTADATA_ABORTED, OTADATA_VALID}}, {true, true}},
};

static void test_forget(void **state)
{
    struct slots slots = {&region, 2, 0};
    (void)state;
    for (size_t i = 0; i < sizeof forget / sizeof forget[0]; i++) {
        set(&forget[i].before);
        assert_int_equal(slots_forget_passive(&slots), AGENT_OK);
        for (unsigned r = 0; r < 2; r++) {
            if (is_empty(r) == forget[i].kept[r])
                fail_msg("%s: record %u is %s", forget[i].name, r, is_empty(r) ? "gone" : "kept");
        }
    }
}

static void assert_state(const struct slots *slots, unsigned slot, int expected)
{
    int found;
    assert_int_equal(slots_state(slots, slot, &found), AGENT_OK);
    assert_int_equal(found, expected);
}

static void test_update_and_confirm(void **state)
{
    struct slots slots = {&region, 2, 0};
    struct records start = {{1, NONE}, {OTADATA_VALID, 0}};
    (void)state;
    set(&start);
    assert_int_equal(slots_passive(&slots), 1);
    assert_state(&slots, 1, OTADATA_UNDEFINED);
    assert_int_equal(slots_set_boot(&slots), AGENT_OK);
    assert_state(&slots, 0, OTADATA_VALID);
    assert_state(&slots, 1, OTADATA_NEW);
    slots.running = 1;
    assert_int_equal(slots_confirm(&slots), AGENT_OK);
    assert_state(&slots, 1, OTADATA_VALID);
    assert_state(&slots, 0, OTADATA_VALID);
}

/* The bootloader fell back to slot 0: neither verdict may touch slot 1's record. */
static void test_not_about_another_slot(void **state)
{
    struct slots slots = {&region, 2, 0};
    struct records start = {{1, 2}, {OTADATA_VALID, OTADATA_PENDING_VERIFY}};
    uint8_t before[sizeof flash];
    (void)state;
    set(&start);
    memcpy(before, flash, sizeof flash);
    assert_int_equal(slots_confirm(&slots), AGENT_EBOOT);
    assert_int_equal(slots_reject(&slots), AGENT_EBOOT);
    assert_memory_equal(flash, before, sizeof flash);
}

static void test_reject(void **state)
{
    struct slots slots = {&region, 2, 1};
    struct records start = {{1, 2}, {OTADATA_VALID, OTADATA_PENDING_VERIFY}};
    (void)state;
    set(&start);
    assert_int_equal(slots_reject(&slots), AGENT_OK);
    assert_state(&slots, 1, OTADATA_INVALID);
    assert_state(&slots, 0, OTADATA_VALID);
}

static void test_sequence_exhausted(void **state)
{
    struct slots slots = {&region, 2, 1};
    struct records start = {{NONE, 0xFFFFFFFE}, {0, OTADATA_VALID}};
    (void)state;
    set(&start);
    assert_int_equal(slots_set_boot(&slots), AGENT_EBOOT);
    assert_false(is_empty(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_update_and_confirm),
        cmocka_unit_test(test_not_about_another_slot),
        cmocka_unit_test(test_reject),
        cmocka_unit_test(test_sequence_exhausted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
