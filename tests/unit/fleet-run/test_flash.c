/* Flash of native devices: shared sectors, NOR rules, mapped slots and digests computed once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chain/error.h"
#include "device/agent/journal.h"
#include "fleet/nor.h"
#include "fleet/views.h"
#include "host/crypto.h"

#define SLOT_BYTES (8 * SECTOR_BYTES)

static struct sectors *store;

static int open_store(void **state)
{
    (void)state;
    store = sectors_new();
    return store == NULL;
}

static int close_store(void **state)
{
    (void)state;
    size_t left = sectors_count(store);
    sectors_free(store);
    return left != 0; /* every reference was dropped */
}

static void fill(uint8_t bytes[SECTOR_BYTES], unsigned seed)
{
    for (size_t i = 0; i < SECTOR_BYTES; i++)
        bytes[i] = (uint8_t)(i * 31 + seed);
}

static void test_same_content_is_kept_once(void **state)
{
    uint8_t bytes[SECTOR_BYTES];
    const struct sector *held[100];
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        fill(bytes, i % 3);
        held[i] = sectors_take(store, bytes);
        assert_memory_equal(held[i]->bytes, bytes, sizeof bytes);
    }
    assert_int_equal(sectors_count(store), 3);
    assert_ptr_equal(held[0], held[99]);
    assert_ptr_not_equal(held[0], held[1]);
    for (unsigned i = 0; i < 99; i++)
        sectors_drop(store, held[i]);
    assert_int_equal(sectors_count(store), 1);
    fill(bytes, 0);
    assert_memory_equal(held[99]->bytes, bytes, sizeof bytes);
    sectors_drop(store, held[99]);
}

/* Contents that fall into one chain of the table: all are found again, and each goes alone. */
static void test_many_contents(void **state)
{
    enum { MANY = 20000 };
    uint8_t bytes[SECTOR_BYTES] = {0};
    const struct sector **held = calloc(MANY, sizeof *held);
    (void)state;
    assert_non_null(held);
    for (unsigned i = 0; i < MANY; i++) {
        memcpy(bytes, &i, sizeof i);
        held[i] = sectors_take(store, bytes);
    }
    assert_int_equal(sectors_count(store), MANY);
    for (unsigned i = 0; i < MANY; i += 2)
        sectors_drop(store, held[i]);
    for (unsigned i = 1; i < MANY; i += 2) {
        memcpy(bytes, &i, sizeof i);
        const struct sector *again = sectors_take(store, bytes);
        assert_ptr_equal(again, held[i]);
        sectors_drop(store, again);
        sectors_drop(store, held[i]);
    }
    free(held);
}

static void test_slot_is_nor(void **state)
{
    struct nor nor;
    uint8_t bytes[SECTOR_BYTES], expected[SECTOR_BYTES];
    (void)state;
    assert_true(nor_init(&nor, store, SLOT_BYTES));
    memset(bytes, 0xF0, sizeof bytes);
    memset(expected, 0xFF, sizeof expected);
    assert_null(nor.slot[0][1]);
    assert_true(nor_write(&nor, 0, SECTOR_BYTES + 100, bytes, 50));
    memset(expected + 100, 0xF0, 50);
    assert_memory_equal(nor.slot[0][1]->bytes, expected, sizeof expected);
    memset(bytes, 0x3C, sizeof bytes); /* only clears bits */
    assert_true(nor_write(&nor, 0, SECTOR_BYTES + 100, bytes, 50));
    memset(expected + 100, 0x30, 50);
    assert_memory_equal(nor.slot[0][1]->bytes, expected, sizeof expected);
    assert_true(nor_write(&nor, 0, 2 * SECTOR_BYTES - 10, bytes, 20)); /* over the edge */
    assert_int_equal(nor.slot[0][1]->bytes[SECTOR_BYTES - 1], 0x3C);
    assert_int_equal(nor.slot[0][2]->bytes[9], 0x3C);
    assert_int_equal(nor.slot[0][2]->bytes[10], 0xFF);
    nor_erase(&nor, 0, SECTOR_BYTES);
    assert_null(nor.slot[0][1]);
    assert_null(nor.slot[1][1]);
    nor_free(&nor);
}

static void test_thousand_devices_share_an_image(void **state)
{
    enum { DEVICES = 1000 };
    static struct nor nor[DEVICES];
    uint8_t image[SLOT_BYTES];
    (void)state;
    for (unsigned i = 0; i < SLOT_BYTES / SECTOR_BYTES; i++)
        fill(image + i * SECTOR_BYTES, i);
    for (unsigned i = 0; i < DEVICES; i++) {
        assert_true(nor_init(&nor[i], store, SLOT_BYTES));
        assert_true(nor_write(&nor[i], i % 2, 0, image, sizeof image));
    }
    assert_int_equal(sectors_count(store), SLOT_BYTES / SECTOR_BYTES);
    image[5000] = 0; /* one device differs in one sector */
    nor_erase(&nor[7], 1, SECTOR_BYTES);
    assert_true(nor_write(&nor[7], 1, SECTOR_BYTES, image + SECTOR_BYTES, SECTOR_BYTES));
    assert_int_equal(sectors_count(store), SLOT_BYTES / SECTOR_BYTES + 1);
    assert_int_not_equal(nor[9].slot[1][1]->bytes[5000 - SECTOR_BYTES], 0);
    for (unsigned i = 0; i < DEVICES; i++)
        nor_free(&nor[i]);
}

/* The agent's journal, whose rules are strict, over and over on the small model of its region. */
static void test_region_holds_a_journal(void **state)
{
    struct nor nor;
    struct agent_record record = {.phase = AGENT_RECORD_DOWNLOAD}, found;
    (void)state;
    assert_true(nor_init(&nor, store, SLOT_BYTES));
    struct agent_region region = nor_region(&nor.journal);
    assert_int_equal(journal_load(&region, &found), AGENT_OK);
    assert_int_equal(found.phase, AGENT_RECORD_NONE);
    assert_true(region.blank(region.context, 0, REGION_SECTOR_BYTES));
    for (uint32_t i = 1; i < 100; i++) {
        record.offset = i * SECTOR_BYTES;
        assert_int_equal(journal_save(&region, &record), AGENT_OK);
        assert_int_equal(journal_load(&region, &found), AGENT_OK);
        assert_int_equal(found.offset, record.offset);
        assert_true(nor.journal.sector[0].length + nor.journal.sector[1].length <= JOURNAL_BYTES);
    }
    assert_false(region.blank(region.context, 0, REGION_SECTOR_BYTES));
    nor_free(&nor);
}

/* A provider that counts what it is asked. */
static unsigned hashed, opened;

static int counting_sha256(const struct chain_crypto *crypto, const struct chain_span *spans,
                           size_t count, uint8_t digest[SHA256_BYTES])
{
    (void)crypto;
    hashed++;
    return host_crypto.sha256(&host_crypto, spans, count, digest);
}

static int counting_rsa(const struct chain_crypto *crypto, const struct rsa3072_key *key,
                        const uint8_t signature[RSA3072_BYTES], uint8_t out[RSA3072_BYTES])
{
    (void)crypto;
    opened++;
    for (size_t i = 0; i < RSA3072_BYTES; i++)
        out[i] = signature[i] ^ key->n[i];
    return signature[0] == 0xFF ? CHAIN_ECRYPTO : CHAIN_OK;
}

static void check_digest(const struct chain_crypto *crypto, const struct chain_span *spans,
                         size_t count)
{
    uint8_t got[SHA256_BYTES], expected[SHA256_BYTES];
    assert_int_equal(crypto->sha256(crypto, spans, count, got), CHAIN_OK);
    host_crypto.sha256(&host_crypto, spans, count, expected);
    assert_memory_equal(got, expected, sizeof got);
}

static void test_views_are_shared_and_hashed_once(void **state)
{
    struct nor nor[2];
    uint8_t bytes[SECTOR_BYTES], header[24];
    struct chain_crypto counting = host_crypto;
    struct views_crypto own;
    (void)state;
    counting.sha256 = counting_sha256;
    for (unsigned i = 0; i < 2; i++) {
        assert_true(nor_init(&nor[i], store, SLOT_BYTES));
        fill(bytes, 5);
        assert_true(nor_write(&nor[i], 0, SECTOR_BYTES, bytes, sizeof bytes));
    }
    struct views *views = views_new(store, SLOT_BYTES / SECTOR_BYTES);
    struct view *view = views_open(views, nor[0].slot[0]);
    assert_ptr_equal(views_open(views, nor[1].slot[0]), view);
    assert_int_equal(view_bytes(view)[0], 0xFF);
    assert_memory_equal(view_bytes(view) + SECTOR_BYTES, bytes, sizeof bytes);

    views_crypto_init(&own, views, &counting);
    own.current = view;
    hashed = 0;
    struct chain_span whole = {view_bytes(view), SLOT_BYTES};
    struct chain_span part = {view_bytes(view) + SECTOR_BYTES, 100};
    memcpy(header, view_bytes(view) + SECTOR_BYTES, sizeof header);
    struct chain_span copied[] = {{header, sizeof header},
                                  {view_bytes(view) + SECTOR_BYTES + 24, 76}};
    for (unsigned i = 0; i < 5; i++) {
        check_digest(&own.crypto, &whole, 1);
        check_digest(&own.crypto, &part, 1);
    }
    assert_int_equal(hashed, 2);
    part.data = view_bytes(view) + SECTOR_BYTES + 1; /* as many bytes, but others */
    check_digest(&own.crypto, &part, 1);
    assert_int_equal(hashed, 3);
    header[3] ^= 1; /* other bytes, not the view's: never answered from memory */
    check_digest(&own.crypto, copied, 2);
    check_digest(&own.crypto, copied, 2);
    assert_int_equal(hashed, 5);

    assert_true(nor_write(&nor[1], 0, 0, (const uint8_t[]){0}, 1));
    views_close(views, view);
    struct view *other = views_open(views, nor[1].slot[0]);
    assert_ptr_not_equal(other, view);
    own.current = other;
    whole.data = view_bytes(other);
    check_digest(&own.crypto, &whole, 1);
    assert_int_equal(hashed, 6);
    views_close(views, other);
    views_close(views, view);
    views_free(views);
    nor_free(&nor[0]);
    nor_free(&nor[1]);
}

static void test_signatures_are_opened_once(void **state)
{
    struct chain_crypto counting = host_crypto;
    struct views_crypto own;
    struct rsa3072_key key = {.e = 65537};
    uint8_t signature[RSA3072_BYTES] = {1, 2, 3}, out[RSA3072_BYTES];
    (void)state;
    counting.rsa_public = counting_rsa;
    views_crypto_init(&own, NULL, &counting);
    opened = 0;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(own.crypto.rsa_public(&own.crypto, &key, signature, out), CHAIN_OK);
        assert_int_equal(out[1], 2);
    }
    assert_int_equal(opened, 1);
    key.n[1] = 7; /* another key, another signature: asked again */
    assert_int_equal(own.crypto.rsa_public(&own.crypto, &key, signature, out), CHAIN_OK);
    assert_int_equal(out[1], 5);
    signature[2] = 9;
    assert_int_equal(own.crypto.rsa_public(&own.crypto, &key, signature, out), CHAIN_OK);
    assert_int_equal(out[2], 9);
    assert_int_equal(opened, 3);
    signature[0] = 0xFF; /* a failure is not remembered as success */
    assert_int_equal(own.crypto.rsa_public(&own.crypto, &key, signature, out), CHAIN_ECRYPTO);
    assert_int_equal(own.crypto.rsa_public(&own.crypto, &key, signature, out), CHAIN_ECRYPTO);
    assert_int_equal(opened, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_content_is_kept_once, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_many_contents, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_slot_is_nor, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_thousand_devices_share_an_image, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(test_region_holds_a_journal, open_store, close_store),
        cmocka_unit_test_setup_teardown(test_views_are_shared_and_hashed_once, open_store,
                                        close_store),
        cmocka_unit_test(test_signatures_are_opened_once),
    };
    return cmocka_run_group_tests_name("fleet-run flash", tests, NULL, NULL);
}
