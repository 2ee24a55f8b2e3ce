/* Filters: what they find among a few rows, the same on both stores; what is refused; and that
 * nothing of a query ever is SQL. */
#include "tests/unit/fleet/world.h"

#include "chain/image.h"
#include "server/fleet/filter.h"
#include "server/fleet/version_key.h"

/* Five targets: a is full of everything, e has nothing. */
static struct world *with_targets(void **state)
{
    static const char script[] =
        "INSERT INTO dist_set (id, tenant, type, name, version, version_key, created_at,"
        " created_by, changed_at, changed_by) VALUES (1, 1, 'os', 'Thermo', '1.9.0',"
        " '0011.0019.000\1\2', 0, 't', 0, 't'), (2, 1, 'os', 'Thermo', '1.10.0', "
        "'0011.00210.000\1\2', 0,"
        " 't', 0, 't');"
        "INSERT INTO target (id, tenant, controller_id, name, description, address, type,"
        " group_name, security_token, update_status, assigned_set, installed_set, auto_confirm_at,"
        " revoked_at, created_at, created_by, changed_at, changed_by) VALUES"
        " (1, 1, 'a', 'Kitchen 100%', 'x', 'coap://1', 'thermo', 'eu/de', 's', 'in_sync', 2, 2, 5,"
        " NULL, 100, 'Admin', 100, 't'),"
        " (2, 1, 'b', 'kitchen_2', NULL, NULL, NULL, 'eu', 's', 'pending', 2, 1, NULL, NULL, 200,"
        " 'ci', 200, 't'),"
        " (3, 1, 'c', 'Caf\303\211', NULL, NULL, NULL, NULL, 's', 'error', NULL, 1, NULL, 9, 300,"
        " 'ci', 300, 't'),"
        " (4, 1, 'd', 'a\\b*c', NULL, NULL, NULL, NULL, 's', 'unknown', NULL, NULL, NULL, NULL,"
        " 400, 'ci', 400, 't'),"
        " (5, 1, 'e', ''' OR 1=1 --', NULL, NULL, NULL, NULL, 's', 'unknown', NULL, NULL, NULL,"
        " NULL, 500, 'ci', 500, 't');"
        "INSERT INTO target_poll (target, polled_at, address) VALUES (1, 1000, '10.0.0.1'),"
        " (2, 2000, '10.0.0.2');"
        "INSERT INTO target_tag (target, tag) VALUES (1, 'beta'), (1, 'Lab'), (2, 'lab');"
        "INSERT INTO target_attribute (target, key, value) VALUES (1, 'hw', 'rev3'),"
        " (2, 'hw', 'REV2'), (3, 'HW', 'rev3'), (4, 'a.b', '1');";
    struct world *world = world_new(state);
    assert_int_equal(db_script(world->db, script), DB_OK);
    return world;
}

/* The rows it finds, as text: "abd". */
static const char *found(struct world *world, const struct filter *filter)
{
    static char out[16];
    char sql[FILTER_SQL_MAX + 100];
    size_t used = 0;
    int status;
    snprintf(sql, sizeof sql, "SELECT t.controller_id FROM target AS t WHERE %s ORDER BY t.id",
             filter->sql);
    struct db_rows *rows = db_query_once(world->db, sql, filter->value, filter->count);
    while ((status = db_next(rows)) == DB_ROW)
        out[used++] = db_text(rows, 0)[0];
    out[used] = '\0';
    if (status != DB_OK)
        fail_msg("%s: %s", sql, db_error(world->db));
    return out;
}

static void what_is_found(void **state)
{
    static const struct {
        const char *query, *found;
    } cases[] = {
        {"", "abcde"},
        {"  ", "abcde"},
        {"controllerid==a", "a"},
        {"id==A", "a"},
        {"ID!=a", "bcde"},
        {"name==kitchen*", "ab"},
        {"name=='Kitchen 100%'", "a"},
        {"name==*100%", "a"},
        {"name==kitchen_*", "b"},
        {"name==k%0*", ""},
        {"name==\"*_2\"", "b"},
        {"name!=kitchen*", "cde"},
        {"name==Caf\303\211", "c"},
        {"name==CAF\303\211", "c"},
        {"name==caf\303\251", ""},
        {"name==cAf*", "c"},
        {"name=='a\\\\b\\*c'", "d"},
        {"name=='a\\\\b\\**'", "d"},
        {"name==a\\\\*", "d"},
        {"name==\"' OR 1=1 --\"", "e"},
        {"name=lt=b", "de"},
        {"name=ge=kitchen", "ab"},
        {"description==*", "a"},
        {"description!=*", "bcde"},
        {"description!=x", "bcde"},
        {"updatestatus==in_sync", "a"},
        {"updateStatus=in=(pending,ERROR)", "bc"},
        {"updatestatus=out=(pending, error)", "ade"},
        {"updatestatus=in=pending", "b"},
        {"ipaddress==10.0.0.*", "ab"},
        {"address==coap*", "a"},
        {"group==eu*", "ab"},
        {"group!=eu", "acde"},
        {"tag==lab", "ab"},
        {"tag!=lab", "cde"},
        {"tag.name=in=(beta)", "a"},
        {"tag!=*", "cde"},
        {"attribute.hw==rev3", "a"},
        {"attribute.HW==rev3", "c"},
        {"ATTRIBUTE.hw==rev*", "ab"},
        {"attribute.hw!=rev3", "bcde"},
        {"attribute.hw!=*", "cde"},
        {"attribute.hw=gt=rev2", "a"},
        {"attribute.a.b==1", "d"},
        {"attribute.';DROP==1", NULL},
        {"assignedds.name==thermo", "ab"},
        {"assignedds.version==1.10.0", "ab"},
        {"installedds.version==1.9.*", "bc"},
        {"installedds.version=lt=1.10.0", "bc"},
        {"installedds.version<1.10.0", "bc"},
        {"installedds.version=le=1.10.0", "abc"},
        {"installedds.version>1.9", "abc"},
        {"installedds.version>1.9.0", "a"},
        {"installedds.version>=1.10.0-rc1", "a"},
        {"installedds.version=in=(1.9.0,1.10.0)", "abc"},
        {"installedds.version!=1.9.0", "ade"},
        {"installedds.id==2", "a"},
        {"lastcontrollerrequestat=ge=2000", "b"},
        {"lastcontrollerrequestat!=2000", "acde"},
        {"lastControllerRequestAt<1500", "a"},
        {"autoconfirm==true", "a"},
        {"autoconfirm==false", "bcde"},
        {"autoconfirm!=true", "bcde"},
        {"revoked==true", "c"},
        {"type==thermo", "a"},
        {"targettype.name==thermo", "a"},
        {"targettype.key!=thermo", "bcde"},
        {"createdat=in=(100,300)", "ac"},
        {"createdat=gt=-5", "abcde"},
        {"createdby==admin", "a"},
        {"lastmodifiedat>=400", "de"},
        {"id==a,id==b", "ab"},
        {"id==a or id==b", "ab"},
        {"id==a;name==x", ""},
        {"id==a AND name==k*", "a"},
        {"id==a,id==b;name==x", "a"},
        {"(id==a,id==b);name==*2", "b"},
        {"(id==a or id==b)and(name==*2)", "b"},
        {" ( ( id == a ) ) ", "a"},
        {"id == 'a' ; tag == beta", "a"},
        {"id==android", ""},
        {"id==a;", NULL},
    };
    struct world *world = with_targets(state);
    static struct filter filter;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool good = filter_compile(cases[i].query, FILTER_TARGETS, 1, &filter);
        if (good != (cases[i].found != NULL))
            fail_msg("%s: %s", cases[i].query, filter.problem);
        if (good && strcmp(found(world, &filter), cases[i].found) != 0)
            fail_msg("%s: found %s, not %s", cases[i].query, found(world, &filter), cases[i].found);
    }
    world_free(world);
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *query, *problem;
    } cases[] = {
        {"name", "an operator is missing (at character 5"},
        {"==a", "the name of a field is missing (at character 1"},
        {"name==", "a value is missing (at character 7"},
        {"name==a b", "the filter should end here (at character 9"},
        {"name==a;", "the name of a field is missing (at character 9"},
        {"name==a and", "the filter should end here"},
        {"name=='a", "a quote is not closed"},
        {"name=='a\\'", "a quote is not closed"},
        {"(name==a", "a parenthesis is not closed (at character 9"},
        {"name==a)", "the filter should end here (at character 8"},
        {"nonsense==a", "there is no field nonsense (at character 1"},
        {"attribute.==a", "there is no field attribute."},
        {"attribute==a", "there is no field attribute"},
        {"t.name==a", "there is no field t.name"},
        {"security_token==*", "there is no field security_token"},
        {"createdat==*", "not a number"},
        {"createdat==1x", "not a number"},
        {"createdat==' 1'", "not a number"},
        {"createdat==99999999999999999999", "not a number"},
        {"createdat=in=(1,x)", "not a number"},
        {"name=in=(a", "a list is not closed"},
        {"name=in=()", "a value is missing"},
        {"name==(a)", "a value is missing"},
        {"autoconfirm==1", "neither true nor false"},
        {"autoconfirm=gt=true", "true and false are compared with == and !="},
        {"name=like=a", "an operator is missing"},
        {"name=~a", "an operator is missing"},
        {"name==\xC3", "the filter is not UTF-8"},
        {"name==\xED\xA0\x80", "the filter is not UTF-8"},
        {"name==1); DROP TABLE target; --", "the filter should end here (at character 8"},
        {"name==1 OR 1=1", "there is no field 1"},
        {"1==1", "there is no field 1"},
        {"id==$1;id==?1;id==:a", NULL},
        {"installedds.version<"
         "11111111111111111111111111111111111111111111111111111111111111111",
         "a version has at most 64 bytes"},
    };
    static struct filter filter;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool good = filter_compile(cases[i].query, FILTER_TARGETS, 1, &filter);
        if (good != (cases[i].problem == NULL) ||
            (!good && strncmp(filter.problem, cases[i].problem, strlen(cases[i].problem)) != 0))
            fail_msg("%s: %s", cases[i].query, good ? "taken" : filter.problem);
    }
}

/* `count` times `piece`, with `between`. */
static char *many(unsigned count, const char *piece, const char *between)
{
    char *text = calloc(count, strlen(piece) + strlen(between) + 1);
    for (unsigned i = 0; i < count; i++) {
        strcat(text, i > 0 ? between : "");
        strcat(text, piece);
    }
    return text;
}

static void bounds(void **state)
{
    static struct filter filter;
    char parentheses[2 * FILTER_DEPTH_MAX + 16];
    (void)state;
    char *text = many(FILTER_VALUES_MAX, "name!=*a*", ",");
    assert_true(filter_compile(text, FILTER_TARGETS, 1, &filter));
    assert_int_equal(filter.count, FILTER_VALUES_MAX);
    free(text);
    text = many(FILTER_VALUES_MAX + 1, "name!=*a*", ",");
    assert_false(filter_compile(text, FILTER_TARGETS, 1, &filter));
    assert_memory_equal(filter.problem, "more than 48 values", 19);
    free(text);
    /* The longest there is: of every version's text and key, of every pattern. */
    text = many(FILTER_VALUES_MAX,
                "assignedds.version>=1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1",
                ",");
    assert_true(filter_compile(text, FILTER_TARGETS, 1, &filter));
    free(text);
    text = many(FILTER_TEXT_MAX - 6, "%", "");
    memcpy(text, "name==*%", 6);
    assert_true(filter_compile(text, FILTER_TARGETS, 1, &filter));
    free(text);
    text = many(FILTER_TEXT_MAX + 1, " ", "");
    assert_false(filter_compile(text, FILTER_TARGETS, 1, &filter));
    free(text);
    memset(parentheses, '(', FILTER_DEPTH_MAX + 1);
    strcpy(parentheses + FILTER_DEPTH_MAX + 1, "id==a");
    memset(parentheses + FILTER_DEPTH_MAX + 6, ')', FILTER_DEPTH_MAX + 1);
    parentheses[2 * FILTER_DEPTH_MAX + 7] = '\0';
    assert_false(filter_compile(parentheses, FILTER_TARGETS, 1, &filter));
    parentheses[2 * FILTER_DEPTH_MAX + 6] = '\0';
    assert_true(filter_compile(parentheses + 1, FILTER_TARGETS, 1, &filter));
}

/* Every field of every kind is a condition that the store takes. */
static void every_field(void **state)
{
    static const struct {
        enum filter_kind kind;
        const char *table, *names;
    } kinds[] = {
        {FILTER_ACTIONS, "action AS a",
         "status detailstatus forcetype externalref target.controllerid target.name"
         " target.updatestatus rollout.name rolloutgroup.name distributionset.name"
         " distributionset.version createdby lastmodifiedby"},
        {FILTER_ACTIONS, "action AS a",
         "id weight laststatuscode lastactionstatuscode rollout.id rolloutgroup.id"
         " distributionset.id createdat lastmodifiedat"},
        {FILTER_MODULES, "module AS n",
         "name version vendor description type type.key type.name createdby lastmodifiedby id"
         " createdat lastmodifiedat"},
        {FILTER_SETS, "dist_set AS n",
         "name version description type type.key type.name createdby id createdat"},
        {FILTER_ROLLOUTS, "rollout AS n",
         "name description status distributionset.name distributionset.version id createdat"},
        {FILTER_GROUPS, "rollout_group AS n", "name description status id"},
        {FILTER_QUERIES, "target_filter AS n",
         "name autoassigndistributionset.name autoassigndistributionset.version id createdat"},
        {FILTER_AUDIT, "audit AS u", "id at who verb subject detail"},
    };
    static const char *const comparisons[] = {"==1", "!=1", "=lt=1", "=ge=1", "=in=(1,2)"};
    struct world *world = world_new(state);
    static struct filter filter;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char *names = strdup(kinds[i].names);
        char *rest = NULL;
        for (char *name = strtok_r(names, " ", &rest); name != NULL;
             name = strtok_r(NULL, " ", &rest)) {
            for (size_t j = 0; j < sizeof comparisons / sizeof comparisons[0]; j++) {
                char query[80];
                char sql[FILTER_SQL_MAX + 80];
                snprintf(query, sizeof query, "%s%s", name, comparisons[j]);
                assert_true(filter_compile(query, kinds[i].kind, 2, &filter));
                struct db_value values[1 + FILTER_VALUES_MAX] = {db_i(1)};
                memcpy(values + 1, filter.value, filter.count * sizeof *values);
                snprintf(sql, sizeof sql, "SELECT 1 FROM %s WHERE 1 = $1 AND %s", kinds[i].table,
                         filter.sql);
                struct db_rows *rows = db_query_once(world->db, sql, values, 1 + filter.count);
                if (db_next(rows) != DB_OK)
                    fail_msg("%s: %s: %s", query, sql, db_error(world->db));
            }
        }
        free(names);
    }
    world_free(world);
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

/* The key orders as the chain does, for random versions out of the characters that matter. */
static void keys_of_versions(void **state)
{
    static const char letters[] = "0019.-+ab/";
    char text[2][12];
    char key[2][VERSION_KEY_MAX];
    (void)state;
    srand(4);
    for (unsigned i = 0; i < 200000; i++) {
        for (unsigned side = 0; side < 2; side++) {
            size_t length = (size_t)rand() % sizeof text[0];
            for (size_t at = 0; at < length; at++)
                text[side][at] = letters[(size_t)rand() % (sizeof letters - 1)];
            text[side][length] = '\0';
            version_key(text[side], key[side]);
        }
        if (sign(image_version_compare(text[0], text[1])) != sign(strcmp(key[0], key[1])))
            fail_msg("%s and %s", text[0], text[1]);
    }
    char longest[VERSION_TEXT_MAX + 10];
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = i % 2 == 0 ? '1' : '.';
    longest[sizeof longest - 1] = '\0';
    version_key(longest, key[0]);
    assert_true(strlen(key[0]) < VERSION_KEY_MAX);
}

/* What set_create() keeps is what filters ask for. */
static void key_of_a_set(void **state)
{
    struct world *world = world_new(state);
    world_set(world, "1.10.0-rc1");
    struct db_rows *rows = db_query(world->db, "SELECT version_key FROM dist_set", DB_NO_ARGS);
    assert_int_equal(db_next(rows), DB_ROW);
    assert_string_equal(db_text(rows, 0), "0011.00210.000\x01\x01rc0011");
    db_end(rows);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(what_is_found), cmocka_unit_test(what_is_refused),  cmocka_unit_test(bounds),
        STORE_TESTS(every_field),   cmocka_unit_test(keys_of_versions), STORE_TESTS(key_of_a_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
