/* DDI: what each report does in each state of an action, and what is no report (hawkbit-ddi.md 6
 * and 7). Tables of requests with the status they are answered with and the state they leave. */
#include "tests/unit/fleet/world.h"

#define BASE         "/default/controller/v1/sensor-7"
#define TOKEN        "TargetToken 0123456789abcdef0123456789abcdef"
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct action_terms forced = {.kind = ACTION_FORCED, .weight = -1};
static const struct action_terms to_confirm = {
    .kind = ACTION_FORCED, .weight = -1, .confirm = true};

static struct world *with_device(void **state)
{
    struct world *world = world_new(state);
    world_target(world, "sensor-7", "0123456789abcdef0123456789abcdef");
    return world;
}

static void set(struct world *world, const char *key, const char *value)
{
    struct fleet fleet = world_begin(world);
    assert_int_equal(setting_set(&fleet, key, value), FLEET_OK);
    world_commit(world);
}

static void cancel(struct world *world, int64_t id)
{
    struct fleet fleet = world_begin(world);
    assert_int_equal(action_cancel(&fleet, id, false), FLEET_OK);
    world_commit(world);
}

/* The next version of the firmware for the device; what it had to do until now is over. */
static int64_t assign_next(struct world *world, const struct action_terms *terms)
{
    static unsigned version = 1;
    char text[16];
    snprintf(text, sizeof text, "1.%u.0", version++);
    set(world, "repository.actions.autoclose.enabled", "true");
    return world_assign(world, "sensor-7", world_set(world, text), terms);
}

static struct action look(struct world *world, int64_t id)
{
    struct fleet fleet = world_begin(world);
    struct action action;
    assert_int_equal(action_get(&fleet, id, &action), FLEET_OK);
    world_commit(world);
    return action;
}

static int poll_device(struct world *world)
{
    return call(world, API_GET, BASE, TOKEN, NULL);
}

/* POSTs {"status": ...} to `what` of the action. */
static int report(struct world *world, const char *what, int64_t id, const char *execution,
                  const char *finished)
{
    char path[128];
    char body[128];
    snprintf(path, sizeof path, BASE "/%s/%lld/feedback", what, (long long)id);
    snprintf(body, sizeof body,
             "{\"status\":{\"execution\":\"%s\",\"result\":{\"finished\":\"%s\"}}}", execution,
             finished);
    return call(world, API_POST, path, TOKEN, body);
}

/* Reports */

static void reports_on_an_update(void **state)
{
    static const struct {
        const char *execution, *finished;
        int status;
        bool active;
        const char *update_status;
    } cases[] = {
        {"proceeding", "none", 200, true, "pending"},
        {"scheduled", "none", 200, true, "pending"},
        {"resumed", "none", 200, true, "pending"},
        {"download", "none", 200, true, "pending"},
        {"downloaded", "success", 200, true, "pending"},
        {"rejected", "none", 200, true, "pending"},
        {"canceled", "success", 200, true, "pending"},
        {"proceeding", "failure", 200, true, "pending"}, /* only closed ends it */
        {"closed", "success", 200, false, "in_sync"},
        {"closed", "none", 200, false, "in_sync"},
        {"closed", "failure", 200, false, "error"},
        {"CLOSED", "success", 400, true, "pending"},
        {"done", "success", 400, true, "pending"},
        {"closed", "maybe", 400, true, "pending"},
        {"", "success", 400, true, "pending"},
    };
    struct world *world = with_device(state);
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t id = assign_next(world, &forced);
        int status = report(world, "deploymentBase", id, cases[i].execution, cases[i].finished);
        struct target target = world_look(world, "sensor-7");
        if (status != cases[i].status || look(world, id).active != cases[i].active ||
            strcmp(target.update_status, cases[i].update_status) != 0)
            fail_msg("%s/%s: %d, %s", cases[i].execution, cases[i].finished, status,
                     target.update_status);
        if (!cases[i].active) {
            assert_int_equal(report(world, "deploymentBase", id, "closed", "success"), 410);
            assert_int_equal(report(world, "deploymentBase", id, "proceeding", "none"), 410);
            assert_int_equal(report(world, "cancelAction", id, "closed", "success"), 405);
        }
    }
    world_free(world);
}

static void reports_on_a_cancel(void **state)
{
    static const struct {
        const char *what, *execution, *finished;
        int status;
        enum action_state after;
        bool active;
    } cases[] = {
        {"cancelAction", "closed", "success", 200, ACTION_CANCELED, false},
        {"cancelAction", "closed", "none", 200, ACTION_CANCELED, false},
        {"cancelAction", "closed", "failure", 200, ACTION_RUNNING, true},
        {"cancelAction", "rejected", "none", 200, ACTION_RUNNING, true},
        {"cancelAction", "canceled", "success", 200, ACTION_CANCELING, true},
        {"cancelAction", "proceeding", "none", 200, ACTION_CANCELING, true},
        {"cancelAction", "closed", "perhaps", 400, ACTION_CANCELING, true},
        {"cancelAction", "stopped", "success", 400, ACTION_CANCELING, true},
        /* the race: the update ends before the cancel has arrived */
        {"deploymentBase", "proceeding", "none", 200, ACTION_CANCELING, true},
        {"deploymentBase", "canceled", "success", 200, ACTION_CANCELING, true},
        {"deploymentBase", "closed", "success", 200, ACTION_FINISHED, false},
        {"deploymentBase", "closed", "failure", 200, ACTION_ERROR, false},
    };
    struct world *world = with_device(state);
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t id = assign_next(world, &forced);
        cancel(world, id);
        int status = report(world, cases[i].what, id, cases[i].execution, cases[i].finished);
        struct action action = look(world, id);
        if (status != cases[i].status || action.state != cases[i].after ||
            action.active != cases[i].active)
            fail_msg("%s %s/%s: %d, %s", cases[i].what, cases[i].execution, cases[i].finished,
                     status, action_state_word(action.state));
        assert_int_equal(poll_device(world), 200);
        assert_int_equal(at(world, "_links.cancelAction") != NULL,
                         cases[i].after == ACTION_CANCELING);
        assert_int_equal(at(world, "_links.deploymentBase") != NULL,
                         cases[i].after == ACTION_RUNNING);
        /* said again: the device has not got the answer */
        if (!cases[i].active)
            assert_int_equal(report(world, "cancelAction", id, "closed", "success"),
                             cases[i].after == ACTION_CANCELED ? 200 : 405);
        assert_int_equal(look(world, id).state, cases[i].after);
    }
    world_free(world);
}

/* An operator sees that the device has fetched it, once. */
static void a_cancel_that_was_read(void **state)
{
    struct world *world = with_device(state);
    int64_t id = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    cancel(world, id);
    for (int i = 0; i < 3; i++) {
        static const char sql[] =
            "SELECT COUNT(*) FROM action_status WHERE action = $1 AND state = 'retrieved'";
        int64_t count;
        assert_int_equal(call(world, API_GET, BASE "/cancelAction/11111", TOKEN, NULL), 200);
        struct fleet fleet = world_begin(world);
        assert_int_equal(db_get_int(fleet.db, sql, DB_ARGS(db_i(id)), &count), DB_ROW);
        world_commit(world);
        assert_int_equal(count, 1);
        assert_int_equal(look(world, id).state, ACTION_CANCELING);
    }
    world_free(world);
}

static void a_download_only(void **state)
{
    static const struct action_terms terms = {.kind = ACTION_DOWNLOADONLY, .weight = -1};
    struct world *world = with_device(state);
    int64_t id = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &terms);
    assert_int_equal(call(world, API_GET, BASE "/deploymentBase/11111", TOKEN, NULL), 200);
    assert_string_equal(text_at(world, "deployment.download"), "forced");
    assert_string_equal(text_at(world, "deployment.update"), "skip");
    assert_int_equal(report(world, "deploymentBase", id, "downloaded", "success"), 200);
    assert_false(look(world, id).active);
    assert_string_equal(world_look(world, "sensor-7").update_status, "in_sync");
    assert_int_equal(world_look(world, "sensor-7").installed_set, 0);
    assert_int_equal(report(world, "deploymentBase", id, "proceeding", "none"), 410);
    assert_int_equal(report(world, "deploymentBase", id, "closed", "success"), 200);
    assert_int_equal(report(world, "deploymentBase", id, "closed", "success"), 410);
    world_free(world);
}

/* Whose action it is, and whether there is one. */
static void actions_of_others(void **state)
{
    static const char other[] = "TargetToken abcdefghijklmnopabcdefghijklmnop";
    static const char done[] =
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"}}}";
    static const struct {
        enum api_method method;
        const char *path, *body;
    } cases[] = {
        {API_GET, "deploymentBase/11111", NULL},
        {API_GET, "installedBase/11111", NULL},
        {API_GET, "cancelAction/11111", NULL},
        {API_GET, "confirmationBase/11111", NULL},
        {API_POST, "deploymentBase/11111/feedback", done},
        {API_POST, "cancelAction/11111/feedback", done},
        {API_POST, "confirmationBase/11111/feedback", "{\"confirmation\":\"confirmed\"}"},
        {API_GET, "deploymentBase/99999", NULL},
        {API_POST, "deploymentBase/99999/feedback", done},
        {API_POST, "cancelAction/99999/feedback", done},
        {API_GET, "softwaremodules/1/artifacts", NULL},
        {API_GET, "softwaremodules/1/artifacts/fw.bin", NULL},
        {API_GET, "softwaremodules/1/artifacts/fw.bin.MD5SUM", NULL},
        {API_GET, "softwaremodules/77/artifacts/fw.bin", NULL},
    };
    struct world *world = with_device(state);
    world_target(world, "sensor-8", "abcdefghijklmnopabcdefghijklmnop");
    world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char path[128];
        snprintf(path, sizeof path, "/default/controller/v1/sensor-8/%s", cases[i].path);
        int status = call(world, cases[i].method, path, other, cases[i].body);
        if (status != 404)
            fail_msg("%s: %d", path, status);
    }
    assert_true(look(world, 11111).active);
    world_free(world);
}

/* What is no report: 400, and nothing is noted. */
static void bad_reports(void **state)
{
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "{}",
        "\"closed\"",
        "{\"status\":null}",
        "{\"status\":{}}",
        "{\"status\":{\"execution\":\"closed\"}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":null}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":{}}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":\"success\"}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":null}}}",
        "{\"status\":{\"execution\":null,\"result\":{\"finished\":\"success\"}}}",
        "{\"status\":{\"execution\":7,\"result\":{\"finished\":\"success\"}}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"},\"code\":"
        "\"x\"}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"},"
        "\"code\":99999999999}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"},"
        "\"details\":{}}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"},"
        "\"details\":[1]}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"},"
        "\"details\":[\"a\\u0000b\"]}}",
        "{\"timestamp\":\"now\",\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":"
        "\"success\"}}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"}}} more",
        "{\"status\":{\"execution\":\"closed\",\"execution\":\"closed\",\"result\":{\"finished\":"
        "\"success\"}}}",
        "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"},"
        "\"details\":[\"\xff\"]}}",
    };
    struct world *world = with_device(state);
    world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        int status = call(world, API_POST, BASE "/deploymentBase/11111/feedback", TOKEN, bodies[i]);
        if (status != 400)
            fail_msg("%s: %d", bodies[i], status);
    }
    assert_int_equal(call_typed(world, API_POST, BASE "/deploymentBase/11111/feedback", TOKEN,
                                "application/hal+json", "{}", 2),
                     415);
    assert_int_equal(
        call_typed(world, API_POST, BASE "/deploymentBase/11111/feedback", TOKEN, NULL, "{}", 2),
        415);
    assert_true(look(world, 11111).active);
    world_free(world);
}

/* One text instead of a list, as some clients send it. */
static void details_as_one_text(void **state)
{
    struct world *world = with_device(state);
    world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    assert_int_equal(call(world, API_POST, BASE "/deploymentBase/11111/feedback", TOKEN,
                          "{\"status\":{\"execution\":\"proceeding\",\"result\":{\"finished\":"
                          "\"none\"},\"details\":\"half way\"}}"),
                     200);
    assert_int_equal(
        call(world, API_GET, BASE "/deploymentBase/11111?actionHistory=5", TOKEN, NULL), 200);
    assert_string_equal(text_at(world, "actionHistory.messages.0"), "half way");
    world_free(world);
}

/* A device that loops. */
static void too_many_reports(void **state)
{
    struct world *world = with_device(state);
    int64_t id = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &forced);
    int status = 200;
    int count = 0;
    for (; count < 2 * ACTION_STATUS_MAX && status == 200; count++)
        status = report(world, "deploymentBase", id, "proceeding", "none");
    assert_int_equal(status, 429);
    assert_int_equal(count, ACTION_STATUS_MAX + 1);
    assert_string_equal(text_at(world, "errorCode"), "hawkbit.server.error.quota.tooManyEntries");
    assert_int_equal(report(world, "deploymentBase", id, "closed", "success"), 200);
    world_free(world);
}

/* configData */

static int tell(struct world *world, const char *body)
{
    return call(world, API_PUT, BASE "/configData", TOKEN, body);
}

/* "a=1 b=2 ", in order of the keys. */
static const char *attributes(struct world *world)
{
    static char text[256];
    struct fleet fleet = world_begin(world);
    struct db_rows *rows =
        db_query(fleet.db, "SELECT key, value FROM target_attribute ORDER BY key", NULL, 0);
    text[0] = '\0';
    while (db_next(rows) == DB_ROW)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s=%s ", db_text(rows, 0),
                 db_text(rows, 1));
    world_commit(world);
    return text;
}

static void config_data_modes(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *after;
    } steps[] = {
        {"{\"data\":{\"k0\":\"v0\",\"k1\":\"v1\"}}", 200, "k0=v0 k1=v1 "},
        {"{\"mode\":\"replace\",\"data\":{\"k1\":\"a\",\"k2\":\"b\"}}", 200, "k1=a k2=b "},
        {"{\"mode\":\"merge\",\"data\":{\"k2\":\"c\",\"k3\":\"d\"}}", 200, "k1=a k2=c k3=d "},
        {"{\"mode\":\"merge\",\"data\":{\"k2\":null}}", 200, "k1=a k3=d "},
        {"{\"mode\":\"remove\",\"data\":{\"k1\":\"whatever\",\"k9\":\"x\"}}", 200, "k3=d "},
        {"{\"mode\":null,\"data\":{\"k4\":\"\"}}", 200, "k3=d k4= "},
        {"{\"mode\":\"MERGE\",\"data\":{\"k5\":\"e\"}}", 400, "k3=d k4= "},
        {"{\"mode\":\"other\",\"data\":{\"k5\":\"e\"}}", 400, "k3=d k4= "},
        {"{\"mode\":7,\"data\":{\"k5\":\"e\"}}", 400, "k3=d k4= "},
        {"{\"data\":{}}", 400, "k3=d k4= "},
        {"{\"data\":null}", 400, "k3=d k4= "},
        {"{\"data\":[\"k5\"]}", 400, "k3=d k4= "},
        {"{\"id\":\"51659181\"}", 400, "k3=d k4= "},
        {"{\"data\":{\"k5\":{}}}", 400, "k3=d k4= "},
        {"{\"data\":{\"k6\":\"good\",\"k7\":\"l\\u00f6\"}}", 400, "k3=d k4= "},
        {"{\"mode\":\"replace\",\"data\":{\"\":\"x\"}}", 400, "k3=d k4= "},
        {"{\"mode\":\"replace\",\"data\":{\"i\":-5,\"r\":1.5,\"t\":true}}", 200,
         "i=-5 r=1.5 t=true "},
    };
    struct world *world = with_device(state);
    for (size_t i = 0; i < COUNT(steps); i++) {
        int status = tell(world, steps[i].body);
        if (status != steps[i].status || strcmp(attributes(world), steps[i].after) != 0)
            fail_msg("%s: %d, %s", steps[i].body, status, attributes(world));
    }
    world_free(world);
}

/* 128 characters each, 100 attributes. */
static void config_data_bounds(void **state)
{
    char body[400];
    char many[8192] = "{\"data\":{";
    struct world *world = with_device(state);
    for (int extra = 0; extra < 2; extra++) {
        int status = extra == 0 ? 200 : 400;
        snprintf(body, sizeof body, "{\"data\":{\"%0*d\":\"x\"}}", TARGET_ATTRIBUTE_MAX + extra, 0);
        assert_int_equal(tell(world, body), status);
        snprintf(body, sizeof body, "{\"data\":{\"k\":\"%0*d\"}}", TARGET_ATTRIBUTE_MAX + extra, 0);
        assert_int_equal(tell(world, body), status);
    }
    for (int i = 0; i < TARGET_ATTRIBUTES_MAX; i++)
        snprintf(many + strlen(many), 16, "%s\"n%d\":\"\"", i > 0 ? "," : "", i);
    strcat(many, "}}");
    assert_int_equal(tell(world, many), 429); /* with the two that are there */
    memcpy(body, "{\"mode\":\"replace\",", 19);
    char replace[8300];
    snprintf(replace, sizeof replace, "{\"mode\":\"replace\",%s", many + 1);
    assert_int_equal(tell(world, replace), 200);
    assert_int_equal(tell(world, "{\"data\":{\"one\":\"more\"}}"), 429);
    assert_int_equal(tell(world, "{\"data\":{\"n0\":\"changed\"}}"), 200);
    world_free(world);
}

/* The link goes with the request that answers it; that something was removed is no answer. */
static void config_data_link(void **state)
{
    struct world *world = with_device(state);
    assert_int_equal(poll_device(world), 200);
    assert_non_null(at(world, "_links.configData"));
    assert_int_equal(tell(world, "{\"mode\":\"remove\",\"data\":{\"k\":\"v\"}}"), 200);
    assert_int_equal(poll_device(world), 200);
    assert_non_null(at(world, "_links.configData"));
    assert_int_equal(tell(world, "{\"mode\":\"replace\",\"data\":{\"k\":\"v\"}}"), 200);
    assert_int_equal(poll_device(world), 200);
    assert_null(at(world, "_links.configData"));
    assert_int_equal(call(world, API_PUT, "/default/controller/v1/unknown/configData", TOKEN,
                          "{\"data\":{\"k\":\"v\"}}"),
                     401);
    world_free(world);
}

/* Confirmation */

static int confirm(struct world *world, int64_t id, const char *word)
{
    char path[128];
    char body[64];
    snprintf(path, sizeof path, BASE "/confirmationBase/%lld/feedback", (long long)id);
    snprintf(body, sizeof body, "{\"confirmation\":\"%s\",\"details\":[\"by hand\"]}", word);
    return call(world, API_POST, path, TOKEN, body);
}

static void agreeing(void **state)
{
    struct world *world = with_device(state);
    set(world, "user.confirmation.flow.enabled", "true");
    int64_t id = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &to_confirm);
    assert_int_equal(poll_device(world), 200);
    assert_non_null(at(world, "_links.confirmationBase"));
    assert_null(at(world, "_links.deploymentBase"));
    assert_int_equal(call(world, API_GET, BASE "/deploymentBase/11111", TOKEN, NULL), 404);
    assert_int_equal(call(world, API_GET, BASE "/softwaremodules/1/artifacts/fw.bin", TOKEN, NULL),
                     404);
    assert_int_equal(report(world, "deploymentBase", id, "closed", "success"), 404);
    assert_int_equal(call(world, API_GET, BASE "/confirmationBase/11111", TOKEN, NULL), 200);
    assert_string_equal(text_at(world, "confirmation.update"), "forced");
    assert_null(at(world, "deployment"));

    assert_int_equal(confirm(world, id, "perhaps"), 400);
    assert_int_equal(confirm(world, id, "denied"), 200);
    assert_int_equal(look(world, id).state, ACTION_WAIT_FOR_CONFIRMATION);
    assert_int_equal(poll_device(world), 200);
    assert_non_null(at(world, "_links.confirmationBase"));
    assert_int_equal(confirm(world, id, "confirmed"), 200);
    assert_int_equal(poll_device(world), 200);
    assert_null(at(world, "_links.confirmationBase"));
    assert_non_null(at(world, "_links.deploymentBase"));
    assert_int_equal(confirm(world, id, "confirmed"), 404);
    assert_int_equal(confirm(world, id, "denied"), 404);
    assert_int_equal(report(world, "deploymentBase", id, "closed", "success"), 200);
    assert_int_equal(confirm(world, id, "confirmed"), 410);
    world_free(world);
}

static void agreeing_always(void **state)
{
    struct world *world = with_device(state);
    set(world, "user.confirmation.flow.enabled", "true");
    int64_t id = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &to_confirm);
    assert_int_equal(call(world, API_GET, BASE "/confirmationBase", TOKEN, NULL), 200);
    assert_true(json_is_false(at(world, "autoConfirm.active")));
    assert_non_null(at(world, "_links.activateAutoConfirm"));
    assert_non_null(at(world, "_links.confirmationBase"));
    assert_int_equal(call(world, API_POST, BASE "/confirmationBase/activateAutoConfirm", TOKEN,
                          "{\"initiator\":\"jo\",\"remark\":\"bench\"}"),
                     200);
    assert_int_equal(look(world, id).state, ACTION_RUNNING);
    assert_int_equal(
        call(world, API_POST, BASE "/confirmationBase/activateAutoConfirm", TOKEN, NULL), 409);
    assert_int_equal(call(world, API_GET, BASE "/confirmationBase", TOKEN, NULL), 200);
    assert_true(json_is_true(at(world, "autoConfirm.active")));
    assert_string_equal(text_at(world, "autoConfirm.initiator"), "jo");
    assert_int_equal(json_integer_value(at(world, "autoConfirm.activatedAt")), world->now);
    assert_non_null(at(world, "_links.deactivateAutoConfirm"));
    assert_null(at(world, "_links.activateAutoConfirm"));
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            call(world, API_POST, BASE "/confirmationBase/deactivateAutoConfirm", TOKEN, NULL),
            200);
    assert_int_equal(look(world, id).state, ACTION_RUNNING);
    world_free(world);
}

/* What the device says it runs */

static void declaring(void **state)
{
    struct world *world = with_device(state);
    int64_t newer = world_set(world, "1.2.0");
    int64_t older = world_set(world, "1.1.0");
    static const struct {
        const char *body;
        int status;
    } bad[] = {
        {"{\"name\":\"thermo\",\"version\":\"9\"}", 404},
        {"{\"name\":\"thermo\"}", 400},
        {"{\"name\":7,\"version\":\"1.1.0\"}", 400},
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(call(world, API_PUT, BASE "/installedBase", TOKEN, bad[i].body),
                         bad[i].status);
    for (int again = 0; again < 2; again++)
        assert_int_equal(call(world, API_PUT, BASE "/installedBase", TOKEN,
                              "{\"name\":\"thermo\",\"version\":\"1.2.0\"}"),
                         again ? 200 : 201);
    struct target target = world_look(world, "sensor-7");
    assert_int_equal(target.installed_set, newer);
    assert_int_equal(target.assigned_set, newer);
    assert_string_equal(target.update_status, "in_sync");
    assert_int_equal(poll_device(world), 200);
    assert_non_null(at(world, "_links.installedBase"));
    assert_null(at(world, "_links.deploymentBase"));
    /* by hand it went back; the server cannot forbid what has happened */
    assert_int_equal(call(world, API_PUT, BASE "/installedBase", TOKEN,
                          "{\"name\":\"thermo\",\"version\":\"1.1.0\"}"),
                     201);
    assert_int_equal(world_look(world, "sensor-7").assigned_set, older);
    world_free(world);
}

/* It runs something else, but has an update to do: that stays. */
static void declaring_meanwhile(void **state)
{
    struct world *world = with_device(state);
    int64_t old = world_set(world, "1.1.0");
    int64_t new = world_set(world, "1.2.0");
    int64_t id = world_assign(world, "sensor-7", new, &forced);
    assert_int_equal(call(world, API_PUT, BASE "/installedBase", TOKEN,
                          "{\"name\":\"thermo\",\"version\":\"1.1.0\"}"),
                     201);
    struct target target = world_look(world, "sensor-7");
    assert_int_equal(target.installed_set, old);
    assert_int_equal(target.assigned_set, new);
    assert_string_equal(target.update_status, "pending");
    assert_true(look(world, id).active);
    assert_int_equal(call(world, API_PUT, BASE "/installedBase", TOKEN,
                          "{\"name\":\"thermo\",\"version\":\"1.2.0\"}"),
                     200); /* its report on the action says more */
    assert_int_equal(world_look(world, "sensor-7").installed_set, old);
    assert_true(look(world, id).active);
    world_free(world);
}

/* Maintenance windows */

/* 2026-09-21 14:13:20 UTC is the world's now. */
static const struct action_terms one_window = {
    .kind = ACTION_FORCED,
    .weight = -1,
    .window = {.schedule = "0 23 14 21 9 ? 2026", .duration = "00:10:00", .zone = "+00:00"}};

static void a_window_ahead(void **state)
{
    static const struct {
        int64_t minutes; /* after now */
        const char *sleep, *update;
    } cases[] = {
        {-60, "00:05:00", "skip"}, /* a third of 70 minutes is more than the usual */
        {0, "00:03:13", "skip"},   /* of 9 minutes 40 seconds */
        {9, "00:00:13", "skip"},    {10, "00:05:00", "forced"}, /* open */
        {19, "00:05:00", "forced"},
    };
    struct world *world = with_device(state);
    int64_t start = world->now;
    int64_t id = world_assign(world, "sensor-7", world_set(world, "1.1.0"), &one_window);
    for (size_t i = 0; i < COUNT(cases); i++) {
        world->now = start + cases[i].minutes * 60000;
        assert_int_equal(poll_device(world), 200);
        assert_string_equal(text_at(world, "config.polling.sleep"), cases[i].sleep);
        assert_non_null(at(world, "_links.deploymentBase"));
        assert_int_equal(call(world, API_GET, BASE "/deploymentBase/11111", TOKEN, NULL), 200);
        assert_string_equal(text_at(world, "deployment.update"), cases[i].update);
    }
    world->now = start + 9 * 60000;
    set(world, "maintenanceWindowPollCount", "10");
    assert_int_equal(poll_device(world), 200);
    assert_string_equal(text_at(world, "config.polling.sleep"), "00:00:05"); /* not less */
    assert_true(look(world, id).active);
    world_free(world);
}

/* Nobody installed it in time: the device is told to forget it. */
static void a_window_missed(void **state)
{
    struct world *world = with_device(state);
    int64_t id = assign_next(world, &one_window);
    world->now += 30 * 60000;
    assert_int_equal(call(world, API_GET, BASE "/deploymentBase/11111", TOKEN, NULL), 404);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(poll_device(world), 200);
        assert_string_equal(text_at(world, "config.polling.sleep"), "00:05:00");
        assert_non_null(at(world, "_links.cancelAction"));
        assert_null(at(world, "_links.deploymentBase"));
    }
    assert_int_equal(look(world, id).state, ACTION_CANCELING);
    assert_int_equal(report(world, "cancelAction", id, "closed", "success"), 200);
    assert_int_equal(poll_device(world), 200);
    assert_null(at(world, "_links.cancelAction"));
    world_free(world);
}

/* What it has never agreed to simply ends. */
static void a_window_missed_unconfirmed(void **state)
{
    struct action_terms terms = one_window;
    struct world *world = with_device(state);
    terms.confirm = true;
    set(world, "user.confirmation.flow.enabled", "true");
    int64_t id = assign_next(world, &terms);
    world->now += 30 * 60000;
    assert_int_equal(call(world, API_GET, BASE "/confirmationBase/11111", TOKEN, NULL), 404);
    assert_int_equal(poll_device(world), 200);
    assert_null(at(world, "_links.confirmationBase"));
    assert_null(at(world, "_links.cancelAction"));
    assert_false(look(world, id).active);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(reports_on_an_update),   STORE_TESTS(reports_on_a_cancel),
        STORE_TESTS(a_cancel_that_was_read), STORE_TESTS(a_download_only),
        STORE_TESTS(actions_of_others),      STORE_TESTS(bad_reports),
        STORE_TESTS(details_as_one_text),    STORE_TESTS(too_many_reports),
        STORE_TESTS(config_data_modes),      STORE_TESTS(config_data_bounds),
        STORE_TESTS(config_data_link),       STORE_TESTS(agreeing),
        STORE_TESTS(agreeing_always),        STORE_TESTS(declaring),
        STORE_TESTS(declaring_meanwhile),    STORE_TESTS(a_window_ahead),
        STORE_TESTS(a_window_missed),        STORE_TESTS(a_window_missed_unconfirmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
