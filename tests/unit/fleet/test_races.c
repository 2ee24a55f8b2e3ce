/* Two requests about the same things at the same time, each pair of them in both orders: the second
 * begins when the first has done its work and has not committed. Whatever comes of it has to be
 * what one after the other would have left. On PostgreSQL, where transactions do run side by side.
 */
#include "tests/unit/fleet/mgmt.h"

#include <pthread.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TARGETS      "/rest/v1/targets/{target}"
#define DEVICE       "/DEFAULT/controller/v1/{target}"
#define SETS         "/rest/v1/distributionsets"
#define DEVICE_TOKEN "TargetToken 0123456789abcdef"
#define PAUSE_NS     20000000

/* {target}, {action}, {old} and {new} stand for what a round has. */
struct order {
    const char *name, *path, *body;
    enum api_method method;
    bool by_device;
};

#define REPORT(execution, finished)                                                                \
    "{\"status\":{\"execution\":\"" execution "\",\"result\":{\"finished\":\"" finished "\"}}}"
static const struct order orders[] = {
    {"assign the new set", TARGETS "/assignedDS", "{\"id\":{new}}", API_POST, false},
    {"assign the old set", TARGETS "/assignedDS", "{\"id\":{old}}", API_POST, false},
    {"cancel", TARGETS "/actions/{action}", NULL, API_DELETE, false},
    {"quit", TARGETS "/actions/{action}?force=true", NULL, API_DELETE, false},
    {"invalidate the old set", SETS "/{old}/invalidate", "{\"actionCancelationType\":\"force\"}",
     API_POST, false},
    {"invalidate the new set", SETS "/{new}/invalidate", "{\"actionCancelationType\":\"force\"}",
     API_POST, false},
    {"delete the new set", SETS "/{new}", NULL, API_DELETE, false},
    {"take the new set's module", SETS "/{new}/assignedSM/{module}", NULL, API_DELETE, false},
    {"delete the target", TARGETS, NULL, API_DELETE, false},
    {"read", DEVICE "/deploymentBase/{action}", NULL, API_GET, true},
    {"proceed", DEVICE "/deploymentBase/{action}/feedback", REPORT("proceeding", "none"), API_POST,
     true},
    {"finish", DEVICE "/deploymentBase/{action}/feedback", REPORT("closed", "success"), API_POST,
     true},
    {"fail", DEVICE "/deploymentBase/{action}/feedback", REPORT("closed", "failure"), API_POST,
     true},
    {"agree to cancel", DEVICE "/cancelAction/{action}/feedback", REPORT("closed", "success"),
     API_POST, true},
};

/* One round: its own target with the old set on its way, and a new set. */
struct round {
    struct world *world;
    const char *operator_field;
    char target[32];
    int64_t action, old, new, module;
};

struct run {
    const struct round *round;
    const struct order *order;
    struct db *db;
    int status; /* of HTTP */
    int result; /* of the transaction */
    void (*before_commit)(struct run *run);
    struct run *other;
    pthread_t thread;
};

static char *fill_in(const struct round *round, const char *text)
{
    const struct {
        const char *name;
        int64_t number;
    } numbers[] = {{"{action}", round->action},
                   {"{old}", round->old},
                   {"{new}", round->new},
                   {"{module}", round->module}};
    char *out = NULL;
    size_t length = 0;
    if (text == NULL)
        return NULL;
    FILE *stream = open_memstream(&out, &length);
    while (*text != '\0') {
        size_t name = *text == '{' ? strcspn(text, "}") + 1 : 0;
        size_t i = 0;
        while (name > 0 && i < COUNT(numbers) && strncmp(text, numbers[i].name, name) != 0)
            i++;
        if (name > 0 && i < COUNT(numbers)) {
            fprintf(stream, "%lld", (long long)numbers[i].number);
            text += name;
        } else if (strncmp(text, "{target}", 8) == 0) {
            fputs(round->target, stream);
            text += 8;
        } else {
            fputc(*text++, stream);
        }
    }
    fclose(stream);
    return out;
}

/* As the pool runs a job: until it is through. */
static void run_order(struct run *run)
{
    const struct round *round = run->round;
    char *path = fill_in(round, run->order->path);
    char *body = fill_in(round, run->order->body);
    size_t end = strcspn(path, "?");
    struct api_request request = {
        .method = run->order->method,
        .path = strndup(path, end),
        .query = path[end] == '?' ? strdup(path + end + 1) : NULL,
        .authorization = strdup(run->order->by_device ? DEVICE_TOKEN : round->operator_field),
        .content_type = world_copy(body != NULL ? "application/json" : NULL),
        .body = body != NULL ? body : strdup(""),
        .body_length = body != NULL ? strlen(body) : 0,
        .origin = strdup("https://updates.example:8443"),
        .address = strdup("127.0.0.1"),
    };
    struct api_answer answer = {0};
    do {
        run->result = db_begin(run->db, DB_WRITE);
        if (run->result == DB_OK)
            run->result = api_run(run->db, &round->world->service, &request, DB_WRITE,
                                  round->world->now, &answer);
        if (run->before_commit != NULL)
            run->before_commit(run);
        run->before_commit = NULL;
        if (run->result == DB_OK)
            run->result = db_commit(run->db);
        if (run->result != DB_OK)
            db_rollback(run->db);
    } while (run->result == DB_EAGAIN);
    run->status = answer.status;
    api_answer_free(&answer);
    api_request_free(&request);
    free(path);
}

static void *run_other(void *argument)
{
    run_order(argument);
    return NULL;
}

static void start_other(struct run *run)
{
    assert_int_equal(pthread_create(&run->other->thread, NULL, run_other, run->other), 0);
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

/* What never may be, whatever happened. */
static const struct {
    const char *what, *sql;
} never[] = {
    {"two actions under way for one target",
     "SELECT COUNT(*) FROM (SELECT target FROM action WHERE active = 1 AND state <> 'canceling'"
     " GROUP BY target HAVING COUNT(*) > 1) AS many"},
    {"a target that waits for nothing",
     "SELECT COUNT(*) FROM target AS t WHERE t.update_status = 'pending' AND NOT EXISTS"
     " (SELECT 1 FROM action AS a WHERE a.target = t.id AND a.active = 1)"},
    {"an action under way that its target does not know of",
     "SELECT COUNT(*) FROM action AS a JOIN target AS t ON t.id = a.target WHERE a.active = 1"
     " AND a.state <> 'canceling' AND (t.assigned_set IS NULL OR t.assigned_set <> a.dist_set"
     " OR t.update_status <> 'pending')"},
    /* While a cancel is under way, what the target is to have is settled by its end. */
    {"a set assigned that nothing brought or brings",
     "SELECT COUNT(*) FROM target AS t WHERE t.assigned_set IS NOT NULL AND NOT EXISTS (SELECT 1"
     " FROM action AS a WHERE a.target = t.id AND (a.state = 'canceling' OR"
     " (a.dist_set = t.assigned_set AND (a.active = 1 OR a.state = 'finished'))))"},
    {"an action whose end is not in its history",
     "SELECT COUNT(*) FROM action AS a WHERE a.active = 0 AND NOT EXISTS (SELECT 1 FROM"
     " action_status AS s WHERE s.action = a.id AND s.state = a.state)"},
    {"an action of a set that may still change",
     "SELECT COUNT(*) FROM action AS a JOIN dist_set AS d ON d.id = a.dist_set WHERE d.locked = 0"},
    {"an action of a set without modules",
     "SELECT COUNT(*) FROM action AS a WHERE a.active = 1 AND NOT EXISTS (SELECT 1 FROM set_module"
     " AS m WHERE m.dist_set = a.dist_set)"},
    {"an action under way of a set that was deleted",
     "SELECT COUNT(*) FROM action AS a JOIN dist_set AS d ON d.id = a.dist_set WHERE a.active = 1"
     " AND a.state <> 'canceling' AND d.deleted_at IS NOT NULL"},
    {"an action under way of a set that was invalidated",
     "SELECT COUNT(*) FROM action AS a JOIN dist_set AS d ON d.id = a.dist_set WHERE a.active = 1"
     " AND d.valid = 0"},
    {"an audit log with a fork", "SELECT COUNT(*) FROM (SELECT digest FROM audit GROUP BY digest "
                                 "HAVING COUNT(*) > 1) AS twice"},
};

static void check(struct world *world, const struct run *first, const struct run *second)
{
    for (size_t i = 0; i < COUNT(never); i++) {
        int64_t count;
        assert_int_equal(db_get_int(world->db, never[i].sql, DB_NO_ARGS, &count), DB_ROW);
        if (count != 0)
            fail_msg("\"%s\" (%d) and \"%s\" (%d): %s", first->order->name, first->status,
                     second->order->name, second->status, never[i].what);
    }
}

static void begin_round(struct round *round, unsigned number)
{
    struct world *world = round->world;
    char version[32];
    snprintf(round->target, sizeof round->target, "d%u", number);
    world_target(world, round->target, "0123456789abcdef");
    snprintf(version, sizeof version, "1.%u.0", number);
    round->old = world_set(world, version);
    snprintf(version, sizeof version, "2.%u.0", number);
    round->new = world_set(world, version);
    static const char module[] = "SELECT module FROM set_module WHERE dist_set = $1";
    assert_int_equal(db_get_int(world->db, module, DB_ARGS(db_i(round->new)), &round->module),
                     DB_ROW);
    const struct action_terms terms = {.kind = ACTION_FORCED, .weight = -1};
    round->action = world_assign(world, round->target, round->old, &terms);
}

static void pairs(void **state)
{
    const struct store_under_test *store = *state;
    struct round round = {0};
    struct db *second_connection;
    unsigned number = 0;
    round.world = managed(state, &round.operator_field);
    assert_int_equal(db_open(store->url, &second_connection), HOST_DONE);
    for (size_t i = 0; i < COUNT(orders); i++) {
        for (size_t j = 0; j < COUNT(orders); j++) {
            begin_round(&round, number++);
            struct run second = {.round = &round, .order = &orders[j], .db = second_connection};
            struct run first = {.round = &round,
                                .order = &orders[i],
                                .db = round.world->db,
                                .before_commit = start_other,
                                .other = &second};
            run_order(&first);
            pthread_join(second.thread, NULL);
            if (first.result < 0 || second.result < 0)
                fail_msg("\"%s\": %d, \"%s\": %d", orders[i].name, first.result, orders[j].name,
                         second.result);
            check(round.world, &first, &second);
        }
    }
    db_close(second_connection);
    world_free(round.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"pairs on PostgreSQL", pairs, store_new_postgres, store_forget, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
