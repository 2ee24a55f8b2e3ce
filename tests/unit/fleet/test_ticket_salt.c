/* What the keys of session tickets are made with: the same for everybody, of three periods. */
#include "tests/unit/db/stores.h"

#include "server/fleet/ticket_salt.h"

static struct ticket_salts ask(struct db *db, int64_t period)
{
    struct ticket_salts salts;
    assert_int_equal(db_begin(db, DB_WRITE), DB_OK);
    assert_int_equal(ticket_salts(db, period, &salts), DB_OK);
    assert_int_equal(db_commit(db), DB_OK);
    return salts;
}

static void everybody_gets_the_same(void **state)
{
    struct store_under_test *store = *state;
    struct db *db = store_migrated(state);
    struct db *another;
    assert_int_equal(db_open(store->url, &another), HOST_DONE);
    const struct ticket_salts one = ask(db, 100);
    const struct ticket_salts other = ask(another, 100);
    assert_memory_equal(&one, &other, sizeof one);
    for (int i = 1; i < TICKET_PERIODS; i++)
        assert_memory_not_equal(one.salt[0], one.salt[i], TICKET_SALT_BYTES);
    db_close(another);
    db_close(db);
}

static void a_period_later_the_oldest_is_gone(void **state)
{
    struct db *db = store_migrated(state);
    const struct ticket_salts before = ask(db, 100);
    const struct ticket_salts after = ask(db, 101);
    assert_memory_equal(after.salt[0], before.salt[1], TICKET_SALT_BYTES);
    assert_memory_equal(after.salt[1], before.salt[2], TICKET_SALT_BYTES);
    int64_t oldest;
    assert_int_equal(db_get_int(db, "SELECT MIN(period) FROM ticket_salt", DB_NO_ARGS, &oldest),
                     DB_ROW);
    assert_int_equal(oldest, 100);
    /* asked for again, it is another */
    const struct ticket_salts again = ask(db, 100);
    assert_memory_not_equal(again.salt[0], before.salt[0], TICKET_SALT_BYTES);
    db_close(db);
}

static void a_damaged_one_is_no_salt(void **state)
{
    static const char *const texts[] = {"", "00", "zz"};
    struct db *db = store_migrated(state);
    struct ticket_salts salts;
    (void)ask(db, 100);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(db_begin(db, DB_WRITE), DB_OK);
        assert_int_equal(db_run(db, "UPDATE ticket_salt SET salt = $1", DB_ARGS(db_t(texts[i]))),
                         DB_OK);
        assert_int_equal(ticket_salts(db, 100, &salts), DB_EIO);
        db_rollback(db);
    }
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(everybody_gets_the_same),
        STORE_TESTS(a_period_later_the_oldest_is_gone),
        STORE_TESTS(a_damaged_one_is_no_salt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
