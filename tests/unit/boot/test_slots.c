/* tests/unit/boot/test_slots.c: which partitions the bootloader tries, in which order, and what it
 * records when another than the chosen one boots (formats.md 4.1, device/boot/slots.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "device/boot/slots.h"

#define END     (-9)
#define FACTORY BOOT_FACTORY
#define TEST    BOOT_TEST
#define EMPTY   0xFFFFFFFFu
#define UNSET   0xFFFFFFFFu

static void add(struct partition_table *table, uint8_t subtype)
{
    struct partition *entry = &table->entry[table->count];
    *entry = (struct partition){.type = PARTITION_APP,
                                .subtype = subtype,
                                .offset = 0x10000 * (uint32_t)(table->count + 1),
                                .size = 0x10000};
    table->count++;
}

/* Letters: f factory, t test, 0-9 ota slots. */
static struct partition_table table_of(const char *letters)
{
    struct partition_table table = {.count = 0};
    for (; *letters != 0; letters++) {
        if (*letters == 'f')
            add(&table, PARTITION_APP_FACTORY);
        else if (*letters == 't')
            add(&table, PARTITION_APP_TEST);
        else
            add(&table, (uint8_t)(PARTITION_APP_OTA_0 + *letters - '0'));
    }
    return table;
}

struct record {
    uint32_t seq, state;
};

static struct otadata records_of(const struct record record[2])
{
    uint8_t bytes[2][OTADATA_RECORD_BYTES];
    struct otadata ota;
    for (int i = 0; i < 2; i++) {
        if (record[i].seq == EMPTY)
            memset(bytes[i], 0xFF, OTADATA_RECORD_BYTES);
        else
            otadata_record_build(bytes[i], record[i].seq, record[i].state);
    }
    otadata_parse(bytes[0], bytes[1], &ota);
    return ota;
}

static const struct order_case {
    const char *name;
    const char *partitions;
    struct record record[2];
    int expected[BOOT_ORDER_MAX + 1];
    bool initial;
} order_cases[] = {
    {"blank records, two slots", "01", {{EMPTY, 0}, {EMPTY, 0}}, {0, 1, END}, true},
    {"blank records, factory goes first",
     "f01",
     {{EMPTY, 0}, {EMPTY, 0}},
     {FACTORY, 0, 1, END},
     false},
    {"slot 0 active", "01", {{1, OTADATA_VALID}, {EMPTY, 0}}, {0, 1, END}, false},
    {"slot 1 active", "01", {{1, OTADATA_VALID}, {2, OTADATA_VALID}}, {1, 0, END}, false},
    {"undefined state is good", "01", {{1, UNSET}, {2, UNSET}}, {1, 0, END}, false},
    {"down to factory, then up, then test",
     "f012t",
     {{2, OTADATA_VALID}, {EMPTY, 0}},
     {1, 0, FACTORY, 2, TEST, END},
     false},
    {"new one aborted: back to the old",
     "01",
     {{1, OTADATA_VALID}, {2, OTADATA_ABORTED}},
     {0, 1, END},
     false},
    {"both aborted: not blank",
     "01",
     {{1, OTADATA_ABORTED}, {2, OTADATA_ABORTED}},
     {0, 1, END},
     false},
    {"only record aborts slot 0: it comes last",
     "01",
     {{1, OTADATA_ABORTED}, {EMPTY, 0}},
     {1, 0, END},
     false},
    {"only record invalidates slot 1",
     "01",
     {{2, OTADATA_INVALID}, {EMPTY, 0}},
     {0, 1, END},
     false},
    {"a bad neighbour comes after test",
     "012t",
     {{3, OTADATA_VALID}, {2, OTADATA_ABORTED}},
     {2, 0, TEST, 1, END},
     false},
    {"sequence wraps over the slots",
     "012",
     {{7, OTADATA_VALID}, {5, OTADATA_VALID}},
     {0, 1, 2, END},
     false},
    {"no ota slot: factory and test only",
     "ft",
     {{2, OTADATA_VALID}, {EMPTY, 0}},
     {FACTORY, TEST, END},
     false},
    {"a slot of the count is missing", "02", {{2, OTADATA_VALID}, {EMPTY, 0}}, {0, END}, false},
    {"no app at all", "", {{1, OTADATA_VALID}, {EMPTY, 0}}, {END}, false},
};

static void test_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof order_cases / sizeof order_cases[0]; i++) {
        const struct order_case *c = &order_cases[i];
        struct partition_table table = table_of(c->partitions);
        struct otadata ota = records_of(c->record);
        struct boot_order order;
        boot_order(&table, &ota, &order);
        size_t wanted = 0;
        while (c->expected[wanted] != END)
            wanted++;
        if (order.count != wanted || order.initial != c->initial)
            fail_msg("%s: %zu places, initial %d", c->name, order.count, order.initial);
        for (size_t n = 0; n < wanted; n++) {
            if (order.place[n] != c->expected[n])
                fail_msg("%s: place %zu is %d", c->name, n, order.place[n]);
            assert_non_null(order.partition[n]);
        }
    }
}

static void test_order_without_otadata(void **state)
{
    (void)state;
    struct partition_table table = table_of("01");
    struct boot_order order;
    boot_order(&table, NULL, &order);
    assert_int_equal(order.count, 2);
    assert_int_equal(order.place[0], 0);
    assert_false(order.initial);
}

static void test_order_of_sixteen_slots(void **state)
{
    (void)state;
    struct partition_table table = {.count = 0};
    for (unsigned i = 0; i < 16; i++)
        add(&table, (uint8_t)(PARTITION_APP_OTA_0 + i));
    add(&table, PARTITION_APP_FACTORY);
    add(&table, PARTITION_APP_TEST);
    add(&table, PARTITION_APP_OTA_0); /* a double does not count twice in the order */
    struct otadata ota = records_of((struct record[2]){{16, OTADATA_VALID}, {EMPTY, 0}});
    struct boot_order order;
    boot_order(&table, &ota, &order);
    assert_int_equal(order.count, BOOT_ORDER_MAX);
    assert_int_equal(order.place[0], 15);
    assert_int_equal(order.place[15], 0);
    assert_int_equal(order.place[16], FACTORY);
    assert_int_equal(order.place[17], TEST);
}

static const struct follow_case {
    const char *name;
    struct record record[2];
    unsigned slots, booted;
    int writes; /* until nothing is left to write */
    uint32_t state;
} follow_cases[] = {
    {"the chosen one booted", {{1, OTADATA_VALID}, {EMPTY, 0}}, 2, 0, 0, OTADATA_VALID},
    {"the other one is recorded as good",
     {{1, OTADATA_VALID}, {2, OTADATA_VALID}},
     2,
     0,
     1,
     OTADATA_VALID},
    {"the other one was never recorded",
     {{1, OTADATA_VALID}, {EMPTY, 0}},
     2,
     1,
     1,
     OTADATA_PENDING_VERIFY},
    {"the other one had been given up",
     {{1, OTADATA_VALID}, {2, OTADATA_ABORTED}},
     2,
     1,
     1,
     OTADATA_PENDING_VERIFY},
    {"a trial is broken on flash, the old one is good",
     {{1, OTADATA_VALID}, {2, OTADATA_PENDING_VERIFY}},
     2,
     0,
     1,
     OTADATA_VALID},
    {"a trial is broken, nothing else recorded",
     {{2, OTADATA_PENDING_VERIFY}, {EMPTY, 0}},
     2,
     0,
     1,
     OTADATA_PENDING_VERIFY},
    {"nothing bootable recorded",
     {{1, OTADATA_ABORTED}, {2, OTADATA_INVALID}},
     2,
     1,
     1,
     OTADATA_PENDING_VERIFY},
    {"both recorded ones broken, a third boots",
     {{1, OTADATA_VALID}, {2, OTADATA_VALID}},
     3,
     2,
     1,
     OTADATA_PENDING_VERIFY},
    {"two records of the broken slot",
     {{1, OTADATA_VALID}, {3, OTADATA_VALID}},
     2,
     1,
     1,
     OTADATA_PENDING_VERIFY},
};

/* Apply the writes; the records must then name the booted slot, and the next boot choose it. */
static void test_follow(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof follow_cases / sizeof follow_cases[0]; i++) {
        const struct follow_case *c = &follow_cases[i];
        struct otadata ota = records_of(c->record);
        int writes = 0;
        struct otadata_write write;
        while ((write = boot_follow(&ota, c->slots, c->booted)).index >= 0 && writes < 5) {
            uint8_t old[2][OTADATA_RECORD_BYTES];
            for (int n = 0; n < 2; n++)
                otadata_record_build(old[n], ota.record[n].seq, ota.record[n].state);
            memcpy(old[write.index], write.bytes, OTADATA_RECORD_BYTES);
            otadata_parse(old[0], old[1], &ota);
            writes++;
        }
        int active = otadata_active(&ota);
        if (writes != c->writes || active < 0)
            fail_msg("%s: %d writes, active %d", c->name, writes, active);
        if (otadata_slot(ota.record[active].seq, c->slots) != c->booted ||
            ota.record[active].state != c->state)
            fail_msg("%s: seq %u state %u", c->name, ota.record[active].seq,
                     ota.record[active].state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_order_without_otadata),
        cmocka_unit_test(test_order_of_sixteen_slots),
        cmocka_unit_test(test_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
