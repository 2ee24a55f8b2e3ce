/* Tokens and the audit log. */
#include "tests/unit/fleet/world.h"

#include <time.h>

#include "server/fleet/audit.h"
#include "server/fleet/token.h"

static int check(struct world *world, const char *name, const char *secret, struct token *token)
{
    struct fleet fleet = world_begin(world);
    int status = token_check(&fleet, name, secret, strlen(secret), token);
    world_commit(world);
    return status;
}

static void a_token_until_it_is_revoked(void **state)
{
    struct world *world = world_new(state);
    char secret[TOKEN_CHARS + 1];
    char other[TOKEN_CHARS + 1];
    struct token token;
    struct fleet fleet = world_begin(world);
    assert_int_equal(token_create(&fleet, "ci", "operate", secret), FLEET_OK);
    assert_int_equal(token_create(&fleet, "ci", "admin", other), FLEET_EXISTS);
    assert_int_equal(token_create(&fleet, "x", "root", other), FLEET_INVALID);
    static const char *const names[] = {"a:b",       "A\\b",    "a b",    "device sensor-7",
                                        "account 0", "release", "server", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (token_create(&fleet, names[i], "read", other) != FLEET_INVALID)
            fail_msg("a token may not be called \"%s\"", names[i]);
    }
    assert_int_equal(token_create(&fleet, "other", "read", other), FLEET_OK);
    world_commit(world);
    assert_int_equal(strlen(secret), TOKEN_CHARS);
    assert_string_not_equal(secret, other);
    assert_int_equal(check(world, NULL, secret, &token), FLEET_OK);
    assert_string_equal(token.name, "ci");
    assert_string_equal(token.role, "operate");
    assert_int_equal(check(world, "ci", secret, &token), FLEET_OK);
    assert_int_equal(check(world, "other", secret, &token), FLEET_NONE);
    secret[5] ^= 1;
    assert_int_equal(check(world, NULL, secret, &token), FLEET_NONE);
    secret[5] ^= 1;
    fleet = world_begin(world);
    assert_int_equal(token_revoke(&fleet, "ci"), FLEET_OK);
    assert_int_equal(token_revoke(&fleet, "ci"), FLEET_NONE);
    world_commit(world);
    assert_int_equal(check(world, NULL, secret, &token), FLEET_NONE);
    assert_int_equal(check(world, NULL, other, &token), FLEET_OK);
    world_free(world);
}

static void list_one(void *context, const struct token_facts *token)
{
    char *text = context;
    size_t have = strlen(text);
    snprintf(text + have, 200 - have, "%s %s %s%s;", token->name, token->role, token->created_by,
             token->revoked_at != 0 ? " revoked" : "");
}

static void the_list_of_tokens(void **state)
{
    struct world *world = world_new(state);
    char secret[TOKEN_CHARS + 1];
    char text[200] = "";
    struct fleet fleet = world_begin(world);
    assert_int_equal(token_create(&fleet, "b", "read", secret), FLEET_OK);
    assert_int_equal(token_create(&fleet, "a", "admin", secret), FLEET_OK);
    assert_int_equal(token_revoke(&fleet, "b"), FLEET_OK);
    assert_int_equal(token_each(&fleet, list_one, text), FLEET_OK);
    assert_string_equal(text, "a admin test;b read test revoked;");
    world_commit(world);
    world_free(world);
}

#define LINES 2050 /* more than are read at once */

static struct audit_verdict verify(struct world *world, const char *head)
{
    struct audit_verdict verdict;
    struct fleet fleet = world_begin(world);
    assert_int_equal(audit_verify(&fleet, head, &verdict), FLEET_OK);
    world_commit(world);
    return verdict;
}

static void note_lines(struct world *world)
{
    struct fleet fleet = world_begin(world);
    for (int i = 0; i < LINES; i++) {
        char subject[32];
        snprintf(subject, sizeof subject, "target %d", i);
        assert_int_equal(audit_note(&fleet, "target.create", subject, ""), FLEET_OK);
    }
    world_commit(world);
}

/* Each forgery breaks the chain where it was made. */
static void what_was_changed_shows(void **state)
{
    static const struct {
        const char *forge;
        int64_t broken, hold;
    } cases[] = {
        {"UPDATE audit SET who = 'me' WHERE id = 7", 7, 6},
        {"UPDATE audit SET at = at + 1 WHERE id = 1", 1, 0},
        {"UPDATE audit SET subject = 'target', verb = 'target.create 8' WHERE id = 9", 9, 8},
        {"DELETE FROM audit WHERE id = 1005", 1006, 1004},
        {"DELETE FROM audit WHERE id = 1", 2, 0},
    };
    struct world *world = world_new(state);
    note_lines(world);
    struct audit_verdict whole = verify(world, NULL);
    assert_int_equal(whole.broken, 0);
    assert_int_equal(whole.lines, LINES);
    assert_false(whole.found);
    assert_true(verify(world, whole.last).found);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fleet fleet = world_begin(world);
        struct audit_verdict verdict;
        assert_int_equal(db_script(world->db, cases[i].forge), DB_OK);
        assert_int_equal(audit_verify(&fleet, NULL, &verdict), FLEET_OK);
        db_rollback(world->db);
        assert_int_equal(verdict.broken, cases[i].broken);
        assert_int_equal(verdict.lines, cases[i].hold);
    }
    assert_int_equal(db_script(world->db, "DELETE FROM audit WHERE id = 2050"), DB_OK);
    struct audit_verdict cut = verify(world, whole.last);
    assert_int_equal(cut.broken, 0);
    assert_false(cut.found);
    world_free(world);
}

/* Of this process: what SQLite costs, whoever else is busy. */
static double cost_of_notes(struct world *world)
{
    struct timespec before;
    struct timespec after;
    struct fleet fleet = world_begin(world);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    for (int i = 0; i < 100; i++)
        assert_int_equal(audit_note(&fleet, "target.update", "target a", ""), FLEET_OK);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    world_commit(world);
    return (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

/* Each line is made by the thread that writes, while devices wait. */
static void a_long_log_costs_no_more(void **state)
{
    static const char many[] =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)"
        " INSERT INTO audit (tenant, at, who, verb, subject, detail, digest)"
        " SELECT 1, i, 'anna', 'target.update', 'target ' || i, '', 'none' FROM n";
    struct world *world = world_new(state);
    (void)cost_of_notes(world);
    double few = cost_of_notes(world);
    assert_int_equal(db_script(world->db, many), DB_OK);
    double more = cost_of_notes(world);
    if (more > 20 * few)
        fail_msg("100 lines cost %.4f s behind 50,000, %.4f s behind 100", more, few);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_token_until_it_is_revoked),
        STORE_TESTS(the_list_of_tokens),
        STORE_TESTS(what_was_changed_shows),
        STORE_TESTS(a_long_log_costs_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
