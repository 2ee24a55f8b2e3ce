/* Rollouts in virtual time: groups in order, thresholds to the device, orders, retries, ends. */
#include "tests/unit/fleet/rollout_world.h"

#include "server/fleet/audit.h"

/* What every device does that a poll gives an action, by the API as devices speak it. */
static unsigned devices_poll(struct world *world, unsigned count, const char *finished)
{
    unsigned updated = 0;
    for (unsigned i = 0; i < count; i++) {
        char base[64];
        char token[32];
        char path[256];
        snprintf(base, sizeof base, "/DEFAULT/controller/v1/d%04u", i);
        snprintf(token, sizeof token, "TargetToken d%04u", i);
        assert_int_equal(call(world, API_GET, base, token, NULL), 200);
        const char *link = strstr(text_at(world, "_links.deploymentBase.href"), "/DEFAULT/");
        if (link == NULL)
            continue;
        snprintf(path, sizeof path, "%.*s/feedback", (int)strcspn(link, "?"), link);
        char body[128];
        snprintf(body, sizeof body,
                 "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"%s\"}}}",
                 finished);
        assert_int_equal(call(world, API_POST, path, token, body), 200);
        updated++;
    }
    return updated;
}

static void three_groups(void **state)
{
    struct world *world = world_fleet(state, 20);
    int64_t set = world_set(world, "1.1.0");
    struct rollout_new new = thirds_of_all(set);
    int64_t id = world_rollout(world, &new);
    assert_string_equal(status_of(world, id), "ready");
    assert_string_equal(groups_of(world, id), "ready ready ready");
    assert_int_equal(counts(world, id, group_at(world, id, 0)).total, 2);
    assert_int_equal(counts(world, id, group_at(world, id, 1)).total, 9);
    assert_int_equal(counts(world, id, group_at(world, id, 2)).total, 9);
    assert_int_equal(counts(world, id, 0).not_started, 20);
    assert_int_equal(devices_poll(world, 20, "success"), 0);

    assert_int_equal(order(world, id, ROLLOUT_START), FLEET_OK);
    assert_string_equal(status_of(world, id), "starting");
    tick(world);
    assert_string_equal(status_of(world, id), "running");
    assert_string_equal(groups_of(world, id), "running ready ready");
    assert_int_equal(counts(world, id, 0).running, 2);
    assert_int_equal(devices_poll(world, 20, "success"), 2);
    tick(world);
    assert_string_equal(groups_of(world, id), "finished running ready");
    assert_int_equal(devices_poll(world, 20, "success"), 9);
    tick(world);
    assert_string_equal(groups_of(world, id), "finished finished running");
    assert_string_equal(status_of(world, id), "running");
    assert_int_equal(devices_poll(world, 20, "success"), 9);
    tick(world);
    assert_string_equal(groups_of(world, id), "finished finished finished");
    assert_string_equal(status_of(world, id), "finished");
    assert_int_equal(counts(world, id, 0).finished, 20);
    assert_int_equal(ask_number(world, "SELECT COUNT(*) FROM action WHERE rollout = $1", id), 20);
    assert_int_equal(ask_number(world, "SELECT COUNT(*) FROM target WHERE installed_set = $1", set),
                     20);
    world_free(world);
}

/* Group 2 has 10 of 20 (after 2 of 22): the third failure is more than 20 %. */
static void a_failing_group(void **state)
{
    struct world *world = world_fleet(state, 22);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    assert_int_equal(report(world, 100, "success"), 3);
    tick(world);
    int64_t second = group_at(world, id, 1);
    assert_int_equal(counts(world, id, second).running, 10);
    assert_int_equal(report(world, 2, "failure"), 2);
    tick(world);
    assert_string_equal(status_of(world, id), "running");
    assert_string_equal(groups_of(world, id), "finished running ready");
    report(world, 1, "failure");
    tick(world);
    assert_string_equal(status_of(world, id), "paused");
    assert_string_equal(groups_of(world, id), "finished error ready");
    assert_string_equal(reason_of(world, id),
                        "group-2: 3 of 10 failed, more than the 20 % allowed");
    assert_string_equal(
        ask(world, "SELECT who FROM audit WHERE verb = 'rollout.halt' AND $1 = $1", 1),
        "rollout 1");
    assert_int_equal(counts(world, id, 0).error, 3);

    /* What runs goes on, and is counted; nothing more is assigned. */
    report(world, 2, "success");
    tick(world);
    assert_int_equal(counts(world, id, second).finished, 2);
    assert_int_equal(counts(world, id, 0).not_started, 9);

    /* Resumed: the three are accepted, two more are allowed, three are not. */
    assert_int_equal(order(world, id, ROLLOUT_RESUME), FLEET_OK);
    tick(world);
    assert_string_equal(groups_of(world, id), "finished running ready");
    report(world, 2, "failure");
    tick(world);
    assert_string_equal(status_of(world, id), "running");
    report(world, 1, "failure");
    tick(world);
    assert_string_equal(status_of(world, id), "paused");

    /* All have ended, and half of them did not finish: accepted, on to the next group. */
    report(world, 2, "success");
    tick(world);
    assert_int_equal(counts(world, id, second).finished, 4);
    assert_int_equal(order(world, id, ROLLOUT_RESUME), FLEET_OK);
    tick(world);
    assert_string_equal(groups_of(world, id), "finished finished running");
    assert_int_equal(order(world, id, ROLLOUT_TRIGGER_NEXT), FLEET_STATE);
    report(world, 100, "success");
    tick(world);
    assert_string_equal(status_of(world, id), "finished");
    assert_int_equal(counts(world, id, 0).error, 6);
    world_free(world);
}

/* Cancelled devices are no failures, but too few finished: halted for that. */
static void too_few_finish(void **state)
{
    struct world *world = world_fleet(state, 20);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    struct fleet fleet = world_begin(world);
    for (int64_t action = 11111; action <= 11112; action++) {
        assert_int_equal(action_cancel(&fleet, action, false), FLEET_OK);
        assert_int_equal(action_cancel(&fleet, action, true), FLEET_OK);
    }
    world_commit(world);
    tick(world);
    assert_int_equal(counts(world, id, 0).cancelled, 2);
    assert_string_equal(status_of(world, id), "paused");
    assert_string_equal(reason_of(world, id), "group-1: all have ended, but only 0 of 2 finished,"
                                              " less than the 50 % wanted");
    assert_int_equal(order(world, id, ROLLOUT_RESUME), FLEET_OK);
    tick(world);
    assert_string_equal(groups_of(world, id), "finished running ready");
    world_free(world);
}

/* Pausing stops assignments only; a second tick later nothing has moved. */
static void pausing(void **state)
{
    struct world *world = world_fleet(state, 20);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    int64_t id = world_rollout(world, &new);
    assert_int_equal(order(world, id, ROLLOUT_ORDER_PAUSE), FLEET_STATE);
    assert_int_equal(order(world, id, ROLLOUT_RESUME), FLEET_STATE);
    assert_int_equal(order(world, id, ROLLOUT_TRIGGER_NEXT), FLEET_STATE);
    assert_int_equal(order(world, id + 1, ROLLOUT_START), FLEET_NONE);
    order(world, id, ROLLOUT_START);
    assert_int_equal(order(world, id, ROLLOUT_START), FLEET_STATE);
    tick(world);
    assert_int_equal(order(world, id, ROLLOUT_ORDER_PAUSE), FLEET_OK);
    assert_string_equal(reason_of(world, id), "paused by test");
    assert_int_equal(report(world, 100, "success"), 2);
    tick(world);
    assert_string_equal(groups_of(world, id), "finished ready ready");
    assert_int_equal(counts(world, id, 0).finished, 2);
    assert_int_equal(order(world, id, ROLLOUT_RESUME), FLEET_OK);
    assert_string_equal(reason_of(world, id), "");
    tick(world);
    assert_string_equal(groups_of(world, id), "finished running ready");
    world_free(world);
}

static void planned_pause(void **state)
{
    struct world *world = world_fleet(state, 10);
    struct rollout_group_new groups[] = {
        {.success_share = 5000, .error_share = 5000, .success_then = ROLLOUT_PAUSE},
        {.success_share = 5000, .error_share = 5000, .success_then = ROLLOUT_PAUSE},
    };
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    new.groups = groups;
    new.group_count = 2;
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    assert_int_equal(report(world, 3, "success"), 3);
    tick(world);
    assert_string_equal(status_of(world, id), "paused");
    assert_string_equal(reason_of(world, id), "group-1 is done: paused as planned");
    assert_int_equal(order(world, id, ROLLOUT_RESUME), FLEET_OK);
    tick(world);
    assert_string_equal(status_of(world, id), "running");
    assert_string_equal(groups_of(world, id), "running running");
    report(world, 100, "success");
    tick(world);
    assert_string_equal(status_of(world, id), "finished"); /* no pause after the last group */
    world_free(world);
}

static void started_by_time(void **state)
{
    struct world *world = world_fleet(state, 3);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    new.start_at = world->now + 5000;
    int64_t id = world_rollout(world, &new);
    world->now += 4999;
    tick(world);
    assert_string_equal(status_of(world, id), "ready");
    world->now += 1;
    tick(world);
    assert_string_equal(status_of(world, id), "running");
    assert_string_equal(
        ask(world, "SELECT who FROM audit WHERE verb = 'rollout.start' AND 1 = $1", 1),
        "rollout 1");
    world_free(world);
}

/* A target fails three times, 60 and 120 seconds apart, before it counts. */
static void retries(void **state)
{
    static const char due[] = "SELECT retry_at FROM rollout_target WHERE rollout = $1"
                              " AND state = 'retry'";
    struct world *world = world_fleet(state, 1);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    struct rollout_group_new group = {.success_share = 10000, .error_share = 0};
    new.groups = &group;
    new.group_count = 1;
    new.retries = 2;
    new.retry_seconds = 60;
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    for (int64_t pause = 60000; pause <= 120000; pause *= 2) {
        assert_int_equal(report(world, 10, "failure"), 1);
        tick(world);
        assert_int_equal(ask_number(world, due, id), world->now + pause);
        assert_int_equal(counts(world, id, 0).scheduled, 1);
        world->now += pause - 1;
        tick(world);
        assert_int_equal(counts(world, id, 0).running, 0);
        world->now += 1;
        tick(world);
        assert_int_equal(counts(world, id, 0).running, 1);
    }
    assert_string_equal(status_of(world, id), "running");
    report(world, 10, "failure");
    tick(world);
    assert_string_equal(status_of(world, id), "paused");
    assert_int_equal(counts(world, id, 0).error, 1);
    assert_int_equal(ask_number(world, "SELECT COUNT(*) FROM action WHERE rollout = $1", id), 3);
    world_free(world);
}

/* A device that will never take the set says so: it counts at once. */
static void refused_for_good(void **state)
{
    static const char retries[] =
        "SELECT COUNT(*) FROM rollout_target WHERE rollout = $1 AND state = 'retry'";
    static const char action[] =
        "SELECT a.id FROM action AS a JOIN target AS t ON t.id = a.target"
        " WHERE t.controller_id = CASE WHEN $1 = 0 THEN 'd0000' ELSE 'd0001' END";
    struct world *world = world_fleet(state, 2);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    struct rollout_group_new group = {.success_share = 10000, .error_share = 5000};
    new.groups = &group;
    new.group_count = 1;
    new.retries = 10;
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    for (int i = 0; i < 2; i++) {
        char path[128];
        char token[40];
        char body[160];
        snprintf(path, sizeof path, "/DEFAULT/controller/v1/d000%d/deploymentBase/%s/feedback", i,
                 ask(world, action, i));
        snprintf(token, sizeof token, "TargetToken d000%d", i);
        snprintf(body, sizeof body,
                 "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"failure\"},"
                 "\"code\":%d}}",
                 ACTION_CODE_REFUSED + i);
        assert_int_equal(call(world, API_POST, path, token, body), 200);
    }
    tick(world);
    world->now += 1;
    tick(world);
    assert_int_equal(counts(world, id, 0).error, 1);
    assert_int_equal(ask_number(world, retries, id), 0);
    assert_int_equal(counts(world, id, 0).running, 1);
    assert_int_equal(ask_number(world, "SELECT COUNT(*) FROM action WHERE rollout = $1", id), 3);
    world_free(world);
}

/* Due while paused: tried again when it goes on, not before. */
static void retry_while_paused(void **state)
{
    struct world *world = world_fleet(state, 2);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    struct rollout_group_new group = {.success_share = 10000, .error_share = 0};
    new.groups = &group;
    new.group_count = 1;
    new.retries = 1;
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    report(world, 1, "failure");
    order(world, id, ROLLOUT_ORDER_PAUSE);
    tick(world);
    world->now += 1;
    tick(world);
    assert_int_equal(counts(world, id, 0).running, 1);
    assert_int_equal(counts(world, id, 0).scheduled, 1);
    order(world, id, ROLLOUT_RESUME);
    tick(world);
    assert_int_equal(counts(world, id, 0).running, 2);
    report(world, 2, "success");
    tick(world);
    assert_string_equal(status_of(world, id), "finished");
    world_free(world);
}

/* How many of 7, 10, ... each group gets, of filters and shares. */
static void shares(void **state)
{
    static const struct {
        unsigned targets;
        const char *groups; /* shares; "n<5:" before one: its filter */
        const char *totals;
    } cases[] = {
        {7, "100 10000", "1 6"},       {7, "5000 5000 10000", "4 2 1"},
        {7, "0 0 0", "3 2 2"},         {10, "0 0 0", "4 3 3"},
        {3, "0 0 0 0 0", "1 1 1 0 0"}, {100, "1 10000", "1 99"},
        {10, "10000 10000", "10 0"},   {10, "2500", "3"},
        {10, "a:5000 10000", "3 7"},   {10, "a:10000 b:10000", "5 2"},
    };
    struct world *world = world_fleet(state, 0);
    int64_t set = world_set(world, "1.1.0");
    struct fleet fleet = world_begin(world);
    for (unsigned i = 0; i < 100; i++) {
        char name[16];
        struct target target;
        snprintf(name, sizeof name, "d%04u", i);
        struct target_new target_new = {.controller_id = name, .update_status = "unknown"};
        assert_int_equal(target_create(&fleet, &target_new, &target), FLEET_OK);
    }
    world_commit(world);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rollout_group_new groups[8] = {0};
        struct rollout_new new = thirds_of_all(set);
        char text[64];
        char query[64];
        char name[16];
        char found[64] = "";
        char *rest = NULL;
        snprintf(text, sizeof text, "%s", cases[i].groups);
        new.group_count = 0;
        for (char *word = strtok_r(text, " ", &rest); word != NULL;
             word = strtok_r(NULL, " ", &rest)) {
            struct rollout_group_new *group = &groups[new.group_count++];
            if (word[1] == ':')
                group->filter = word[0] == 'a' ? "id=lt=d0005" : "id=ge=d0008";
            group->share = strtoll(word[1] == ':' ? word + 2 : word, NULL, 10);
        }
        snprintf(query, sizeof query, "id=lt=d%04u", cases[i].targets);
        snprintf(name, sizeof name, "case %zu", i);
        new.name = name;
        new.filter = query;
        new.groups = groups;
        int64_t id = world_rollout(world, &new);
        int64_t total = 0;
        for (size_t at = 0; at < new.group_count; at++) {
            struct rollout_counts part = counts(world, id, group_at(world, id, (int64_t)at));
            char number[24];
            snprintf(number, sizeof number, "%s%d", at > 0 ? " " : "", (int)part.total);
            strcat(found, number);
            total += part.total;
        }
        if (strcmp(found, cases[i].totals) != 0)
            fail_msg("%u in %s: %s", cases[i].targets, cases[i].groups, found);
        assert_int_equal(ask_number(world, "SELECT total FROM rollout WHERE id = $1", id), total);
        assert_int_equal(
            ask_number(world, "SELECT COUNT(*) FROM rollout_target WHERE rollout = $1", id), total);
    }
    world_free(world);
}

/* One percent is not the first percent, and another one in every rollout. */
static void places(void **state)
{
    static const char first[] = "SELECT t.controller_id FROM rollout_target AS x JOIN target AS t"
                                " ON t.id = x.target JOIN rollout_group AS g"
                                " ON g.id = x.rollout_group WHERE x.rollout = $1"
                                " AND g.position = 0 ORDER BY t.id";
    struct rollout_group_new groups[] = {{.share = 500}, {.share = 10000}};
    struct world *world = world_fleet(state, 100);
    int64_t set = world_set(world, "1.1.0");
    char found[4][8] = {"", "", "", ""};
    unsigned low = 0;
    for (unsigned i = 0; i < 4; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        struct rollout_new new = thirds_of_all(set);
        new.name = name;
        new.groups = groups;
        new.group_count = 2;
        snprintf(found[i], sizeof found[i], "%.7s", ask(world, first, world_rollout(world, &new)));
        low += strcmp(found[i], "d0000") == 0;
    }
    assert_true(low <= 1);
    assert_true(strcmp(found[0], found[1]) != 0 || strcmp(found[1], found[2]) != 0);
    world_free(world);
}

/* Targets that need no action of their own, or may not have one. */
static void special_targets(void **state)
{
    static const struct action_terms forced = {.kind = ACTION_FORCED, .weight = -1};
    struct world *world = world_fleet(state, 6);
    int64_t old = world_set(world, "1.0.0");
    int64_t set = world_set(world, "1.1.0");
    int64_t newer = world_set(world, "1.2.0");
    struct fleet fleet = world_begin(world);
    struct target target;
    assert_int_equal(target_find(&fleet, "d0000", &target), FLEET_OK); /* has it */
    target_installed(&fleet, target.id, set);
    target_assigned(&fleet, target.id, set);
    assert_int_equal(target_find(&fleet, "d0001", &target), FLEET_OK); /* has a newer one */
    target_installed(&fleet, target.id, newer);
    assert_int_equal(target_find(&fleet, "d0002", &target), FLEET_OK); /* is revoked later */
    assert_int_equal(target_find(&fleet, "d0005", &target), FLEET_OK); /* has an older one */
    target_installed(&fleet, target.id, old);
    world_commit(world);
    world_assign(world, "d0003", set, &forced); /* is getting it already */
    struct rollout_group_new group = {.success_share = 5000, .error_share = ROLLOUT_NEVER};
    struct rollout_new new = thirds_of_all(set);
    new.groups = &group;
    new.group_count = 1;
    int64_t id = world_rollout(world, &new);
    fleet = world_begin(world);
    assert_int_equal(target_find(&fleet, "d0002", &target), FLEET_OK);
    assert_int_equal(target_revoke(&fleet, target.id, true), FLEET_OK);
    world_commit(world);
    order(world, id, ROLLOUT_START);
    tick(world);
    struct rollout_counts now = counts(world, id, 0);
    assert_int_equal(now.finished, 1);
    assert_int_equal(now.error, 1);
    assert_int_equal(now.cancelled, 1);
    assert_int_equal(now.running, 3);
    report(world, 10, "success");
    tick(world);
    assert_int_equal(counts(world, id, 0).finished, 4);
    assert_string_equal(status_of(world, id), "finished");

    /* The newer one is replaced when that is said. */
    new.name = "back";
    new.filter = "id==d0001";
    new.terms.downgrade = true;
    int64_t back = world_rollout(world, &new);
    order(world, back, ROLLOUT_START);
    tick(world);
    assert_int_equal(report(world, 10, "success"), 1);
    tick(world);
    assert_int_equal(counts(world, back, 0).finished, 1);
    world_free(world);
}

/* The last device that others waited for is deleted: seen at the next look, a minute later. */
static void deleted_targets(void **state)
{
    struct world *world = world_fleet(state, 4);
    struct rollout_group_new groups[] = {{.success_share = 10000, .error_share = 0},
                                         {.success_share = 10000, .error_share = 0}};
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    new.groups = groups;
    new.group_count = 2;
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    report(world, 1, "success");
    tick(world);
    assert_string_equal(groups_of(world, id), "running ready");
    struct fleet fleet = world_begin(world);
    int64_t target = ask_number(world, "SELECT target FROM action WHERE active = $1", 1);
    assert_int_equal(target_delete(&fleet, target), FLEET_OK);
    world_commit(world);
    tick(world);
    assert_string_equal(groups_of(world, id), "running ready");
    world->now += ROLLOUT_CHECK_MS;
    tick(world);
    assert_string_equal(groups_of(world, id), "finished running");
    assert_int_equal(counts(world, id, 0).total, 3);
    world_free(world);
}

static void stopping(void **state)
{
    struct world *world = world_fleet(state, 20);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    new.groups = thirds() + 1;
    new.group_count = 2;
    new.retries = 1;
    new.retry_seconds = 60;
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    report(world, 2, "success");
    report(world, 1, "failure");
    tick(world);
    assert_int_equal(order(world, id, ROLLOUT_STOP), FLEET_OK);
    assert_int_equal(order(world, id, ROLLOUT_STOP), FLEET_STATE);
    tick(world);
    assert_string_equal(status_of(world, id), "stopped");
    struct rollout_counts now = counts(world, id, 0);
    assert_int_equal(now.cancelled, 11); /* ten of group 2, one that was to be tried again */
    assert_int_equal(now.running, 7);    /* asked to cancel */
    assert_int_equal(
        ask_number(world, "SELECT COUNT(*) FROM action WHERE state = 'canceling' AND $1 = 1", 1),
        7);
    /* One confirms, one has finished all the same, one fails now: it is over, no more tries. */
    struct fleet fleet = world_begin(world);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const ends[] = {"success", "success", "failure"};
        static const char find[] = "SELECT MIN(id) FROM action WHERE active = 1";
        int64_t action;
        struct target target;
        struct action row;
        struct feedback feedback = {.execution = "closed", .finished = ends[i]};
        assert_int_equal(db_get_int(fleet.db, find, DB_NO_ARGS, &action), DB_ROW);
        assert_int_equal(action_get(&fleet, action, &row), FLEET_OK);
        assert_int_equal(target_get(&fleet, row.target, &target), FLEET_OK);
        assert_int_equal(i == 0 ? action_cancel_feedback(&fleet, &target, action, &feedback)
                                : action_feedback(&fleet, &target, action, &feedback),
                         FLEET_OK);
    }
    world_commit(world);
    tick(world);
    now = counts(world, id, 0);
    assert_int_equal(now.cancelled, 12);
    assert_int_equal(now.finished, 3);
    assert_int_equal(now.error, 1);
    assert_int_equal(now.running, 4);

    /* A new one for those that failed or were cancelled. */
    int64_t again;
    fleet = world_begin(world);
    assert_int_equal(rollout_retry(&fleet, id, &again), FLEET_OK);
    world_commit(world);
    tick(world);
    assert_int_equal(counts(world, again, 0).total, 13);
    assert_string_equal(ask(world, "SELECT name FROM rollout WHERE id = $1", again),
                        "spring_retry");
    fleet = world_begin(world);
    assert_int_equal(rollout_retry(&fleet, again, &again), FLEET_STATE);
    db_rollback(world->db);

    assert_int_equal(order(world, id, ROLLOUT_DELETE), FLEET_OK);
    tick(world);
    assert_string_equal(status_of(world, id), "");
    assert_int_equal(
        ask_number(world, "SELECT COUNT(*) FROM rollout_target WHERE rollout = $1", id), 0);
    assert_int_equal(ask_number(world, "SELECT COUNT(*) FROM action WHERE $1 = 1", 1), 10);
    world_free(world);
}

/* A running one is cancelled and forgotten, its name free again. */
static void deleting(void **state)
{
    struct world *world = world_fleet(state, 20);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    assert_int_equal(order(world, id, ROLLOUT_DELETE), FLEET_OK);
    assert_string_equal(status_of(world, id), "deleting");
    assert_int_equal(order(world, id, ROLLOUT_DELETE), FLEET_STATE);
    tick(world);
    assert_string_equal(status_of(world, id), "");
    assert_int_equal(
        ask_number(world, "SELECT COUNT(*) FROM action WHERE state = 'canceling' AND $1 = 1", 1),
        2);
    (void)world_rollout(world, &new);
    world_free(world);
}

static void approval(void **state)
{
    struct world *world = world_fleet(state, 3);
    struct fleet fleet = world_begin(world);
    assert_int_equal(setting_set(&fleet, "rollout.approval.enabled", "true"), FLEET_OK);
    world_commit(world);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    new.start_at = world->now;
    int64_t id = world_rollout(world, &new);
    assert_string_equal(status_of(world, id), "waiting_for_approval");
    assert_int_equal(order(world, id, ROLLOUT_START), FLEET_STATE);
    fleet = world_begin(world);
    fleet.who = "eve";
    assert_int_equal(rollout_decide(&fleet, id, true, "looks good"), FLEET_OK);
    assert_int_equal(rollout_decide(&fleet, id, false, NULL), FLEET_STATE);
    world_commit(world);
    assert_string_equal(ask(world, "SELECT decided_by FROM rollout WHERE id = $1", id), "eve");
    tick(world);
    assert_string_equal(status_of(world, id), "running");
    new.name = "no";
    id = world_rollout(world, &new);
    fleet = world_begin(world);
    assert_int_equal(rollout_decide(&fleet, id, false, NULL), FLEET_OK);
    world_commit(world);
    tick(world);
    assert_string_equal(status_of(world, id), "approval_denied");
    world_free(world);
}

/* What is no rollout leaves nothing behind. */
static void refusals(void **state)
{
    struct world *world = world_fleet(state, 3);
    int64_t set = world_set(world, "1.1.0");
    struct rollout_group_new group[4] = {
        {.share = 10001}, {.error_share = -1}, {.filter = "nonsense"}, {.name = "a\nb"}};
    const struct {
        struct rollout_new new;
        int status;
        const char *problem;
    } cases[] = {
        {{.name = "", .filter = "", .dist_set = set, .groups = thirds(), .group_count = 1},
         FLEET_INVALID,
         "a name has"},
        {{.name = "a", .filter = "x", .dist_set = set, .groups = thirds(), .group_count = 1},
         FLEET_INVALID,
         "there is no field x"},
        {{.name = "a", .filter = "id==x", .dist_set = set, .groups = thirds(), .group_count = 1},
         FLEET_INVALID,
         "there are no targets"},
        {{.name = "a", .filter = "", .dist_set = set + 1, .groups = thirds(), .group_count = 1},
         FLEET_NONE,
         "there is no such distribution set"},
        {{.name = "a", .filter = "", .dist_set = set, .groups = thirds(), .group_count = 0},
         FLEET_INVALID,
         "a rollout has 1 to 500 groups"},
        {{.name = "a", .filter = "", .dist_set = set, .groups = &group[0], .group_count = 1},
         FLEET_INVALID,
         "a group's share is 0 to 10000"},
        {{.name = "a", .filter = "", .dist_set = set, .groups = &group[1], .group_count = 1},
         FLEET_INVALID,
         "an error share is 0 to"},
        {{.name = "a", .filter = "", .dist_set = set, .groups = &group[2], .group_count = 1},
         FLEET_INVALID,
         "there is no field nonsense"},
        {{.name = "a", .filter = "", .dist_set = set, .groups = &group[3], .group_count = 1},
         FLEET_INVALID,
         "the name of a group"},
        {{.name = "a",
          .filter = "",
          .dist_set = set,
          .groups = thirds(),
          .group_count = 1,
          .retries = 11},
         FLEET_INVALID,
         "retries is 0 to 10"},
        {{.name = "a",
          .filter = "",
          .dist_set = set,
          .groups = thirds(),
          .group_count = 1,
          .terms.window = {"nonsense", "01:00:00", "+00:00"}},
         FLEET_INVALID,
         "maintenance window"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t id;
        struct fleet fleet = world_begin(world);
        int status = rollout_create(&fleet, &cases[i].new, &id);
        if (status != cases[i].status || strstr(fleet.problem, cases[i].problem) == NULL)
            fail_msg("case %zu: %d %s", i, status, fleet.problem);
        db_rollback(world->db);
    }
    struct rollout_new new = thirds_of_all(set);
    (void)world_rollout(world, &new);
    int64_t id;
    struct fleet fleet = world_begin(world);
    assert_int_equal(rollout_create(&fleet, &new, &id), FLEET_EXISTS);
    db_rollback(world->db);
    world_free(world);
}

/* Terms go from the rollout to its actions. */
static void terms(void **state)
{
    struct world *world = world_fleet(state, 1);
    struct rollout_new new = thirds_of_all(world_set(world, "1.1.0"));
    new.terms = (struct action_terms){
        .kind = ACTION_SOFT, .weight = 7, .window = {"0 0 3 ? * SUN", "02:00:00", "+01:00"}};
    int64_t id = world_rollout(world, &new);
    order(world, id, ROLLOUT_START);
    tick(world);
    struct fleet fleet = world_begin(world);
    struct action action;
    assert_int_equal(action_get(&fleet, 11111, &action), FLEET_OK);
    world_commit(world);
    assert_int_equal(action.terms.kind, ACTION_SOFT);
    assert_int_equal(action.terms.weight, 7);
    assert_string_equal(action.terms.window.schedule, "0 0 3 ? * SUN");
    assert_string_equal(action.terms.window.zone, "+01:00");
    assert_int_equal(action.terms.rollout, id);
    assert_int_equal(action.terms.rollout_group, group_at(world, id, 0));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(three_groups),
        STORE_TESTS(a_failing_group),
        STORE_TESTS(too_few_finish),
        STORE_TESTS(pausing),
        STORE_TESTS(planned_pause),
        STORE_TESTS(started_by_time),
        STORE_TESTS(retries),
        STORE_TESTS(refused_for_good),
        STORE_TESTS(retry_while_paused),
        STORE_TESTS(shares),
        STORE_TESTS(places),
        STORE_TESTS(special_targets),
        STORE_TESTS(deleted_targets),
        STORE_TESTS(stopping),
        STORE_TESTS(deleting),
        STORE_TESTS(approval),
        STORE_TESTS(refusals),
        STORE_TESTS(terms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
