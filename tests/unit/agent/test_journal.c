/* tests/unit/agent/test_journal.c: the record on flash, over many saves and with every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chain/crc32.h"
#include "device/agent/journal.h"
#include "tests/unit/agent/device.h"

static struct device *new_device(void)
{
    struct test_image image = {.version = "1.0.0", .project = "lamp", .body = 1000};
    struct device *device = malloc(sizeof *device);
    device_init(device, &image);
    /* The agent's own set-up of the regions; nothing is published, so nothing else happens. */
    assert_true(device_run(device, 1, 1));
    memset(device->journal, 0xFF, sizeof device->journal);
    device->operations = 0;
    return device;
}

static struct agent_record record_number(uint32_t number)
{
    struct agent_record record = {.phase = AGENT_RECORD_DOWNLOAD, .slot = 1, .refused_count = 4};
    record.length = 0x100000;
    record.tries = 2;
    record.trial = AGENT_TRIAL_FAILED;
    record.report = AGENT_REPORT_ROLLED_BACK;
    record.reason = AGENT_REASON_SELF_TEST;
    record.detail = -5;
    record.action = 11111 + number;
    record.ended = 11110 + number;
    record.offset = number * 4096;
    strcpy(record.version, "1.2.3-rc.1");
    memset(record.digest, (int)number, sizeof record.digest);
    memset(record.refused, (int)number + 1, sizeof record.refused);
    return record;
}

static void assert_record(const struct agent_region *region, uint32_t number)
{
    struct agent_record expected = record_number(number), found;
    assert_int_equal(journal_load(region, &found), AGENT_OK);
    assert_memory_equal(&found, &expected, sizeof found);
}

static void test_empty(void **state)
{
    struct device *device = new_device();
    struct agent_record record, empty;
    (void)state;
    memset(&empty, 0, sizeof empty);
    assert_int_equal(journal_load(&device->journal_region, &record), AGENT_OK);
    assert_memory_equal(&record, &empty, sizeof record);
    free(device);
}

static void test_many(void **state)
{
    struct device *device = new_device();
    (void)state;
    for (uint32_t i = 1; i <= 100; i++) {
        struct agent_record record = record_number(i);
        assert_int_equal(journal_save(&device->journal_region, &record), AGENT_OK);
        assert_record(&device->journal_region, i);
    }
    /* 100 writes, and an erase for each 16 of them. */
    assert_int_equal(device->operations, 100 + 7);
    free(device);
}

/* Any byte of the newest record changed: the one before counts. */
static void test_damage(void **state)
{
    struct device *device = new_device();
    (void)state;
    for (uint32_t i = 1; i <= 2; i++) {
        struct agent_record record = record_number(i);
        assert_int_equal(journal_save(&device->journal_region, &record), AGENT_OK);
    }
    for (unsigned i = 0; i < JOURNAL_RECORD_BYTES; i++) {
        device->journal[JOURNAL_RECORD_BYTES + i] ^= 0x10;
        assert_record(&device->journal_region, 1);
        device->journal[JOURNAL_RECORD_BYTES + i] ^= 0x10;
    }
    assert_record(&device->journal_region, 2);
    free(device);
}

/* Cut each operation of 40 saves in each way: the record is the old or the new one, and the next
 * save works. */
static void test_cuts(void **state)
{
    (void)state;
    struct device *device = new_device();
    for (uint32_t at = 1; at <= 43; at++) {
        for (enum cut cut = CUT_BEFORE; cut <= CUT_AFTER; cut++) {
            volatile uint32_t saved = 0;
            memset(device->journal, 0xFF, sizeof device->journal);
            device->operations = 0;
            device->cut_at = at;
            device->cut = cut;
            if (setjmp(device->leave) == 0) {
                for (;;) {
                    struct agent_record record = record_number(saved + 1);
                    assert_int_equal(journal_save(&device->journal_region, &record), AGENT_OK);
                    saved++;
                }
            }
            struct agent_record found;
            assert_int_equal(journal_load(&device->journal_region, &found), AGENT_OK);
            uint32_t number = found.offset / 4096;
            assert_true(number == saved || number == saved + 1);
            if (number > 0)
                assert_record(&device->journal_region, number);
            struct agent_record next = record_number(99);
            assert_int_equal(journal_save(&device->journal_region, &next), AGENT_OK);
            assert_record(&device->journal_region, 99);
        }
    }
    free(device);
}

/* A forged record with the last sequence number must not freeze the journal. */
static void test_last_sequence(void **state)
{
    (void)state;
    struct device *device = new_device();
    for (unsigned sector = 0; sector < 2; sector++) {
        uint8_t *forged = device->journal + sector * REGION_SECTOR_BYTES;
        struct agent_record record = record_number(1);
        memset(device->journal, 0xFF, sizeof device->journal);
        assert_int_equal(journal_save(&device->journal_region, &record), AGENT_OK);
        memmove(forged, device->journal, JOURNAL_RECORD_BYTES);
        if (sector == 1)
            memset(device->journal, 0xFF, REGION_SECTOR_BYTES);
        memset(forged + 4, 0xFF, 4);
        uint32_t crc = crc32_le(crc32_le(0, forged, 8), forged + 12, JOURNAL_RECORD_BYTES - 12);
        memcpy(forged + 8, &crc, sizeof crc);
        assert_record(&device->journal_region, 1);
        for (uint32_t n = 2; n < 40; n++) {
            record = record_number(n);
            assert_int_equal(journal_save(&device->journal_region, &record), AGENT_OK);
            assert_record(&device->journal_region, n);
        }
    }
    free(device);
}

static void put_crc(uint8_t *record)
{
    uint32_t crc = crc32_le(crc32_le(0, record, 8), record + 12, JOURNAL_RECORD_BYTES - 12);
    memcpy(record + 8, &crc, sizeof crc);
}

/* A record of an agent that knew no DDI, and one of an agent that knows more than this one. */
static void test_other_agents(void **state)
{
    struct device *device = new_device();
    struct agent_record record = record_number(3), found;
    (void)state;
    assert_int_equal(journal_save(&device->journal_region, &record), AGENT_OK);
    device->journal[25] = AGENT_REPORT_ROLLED_BACK + 1;
    device->journal[26] = AGENT_REASON_LAST + 1;
    put_crc(device->journal);
    assert_int_equal(journal_load(&device->journal_region, &found), AGENT_OK);
    assert_int_equal(found.report, AGENT_REPORT_NONE);
    assert_int_equal(found.reason, AGENT_REASON_NONE);
    assert_int_equal(found.action, 11114);
    memset(device->journal + 25, 0, 11);
    put_crc(device->journal);
    record.report = record.reason = 0;
    record.detail = 0;
    record.action = 0;
    assert_int_equal(journal_load(&device->journal_region, &found), AGENT_OK);
    assert_memory_equal(&found, &record, sizeof found);
    free(device);
}

static void test_flash_error(void **state)
{
    struct device *device = new_device();
    struct agent_record record = record_number(1);
    (void)state;
    assert_int_equal(journal_save(&device->journal_region, &record), AGENT_OK);
    device->fail_at = device->operations + 1;
    record = record_number(2);
    assert_int_equal(journal_save(&device->journal_region, &record), AGENT_EFLASH);
    assert_record(&device->journal_region, 1);
    free(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),         cmocka_unit_test(test_many),
        cmocka_unit_test(test_damage),        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_last_sequence), cmocka_unit_test(test_flash_error),
        cmocka_unit_test(test_other_agents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
