/* server/db/schema.c: see server/db/schema.h. docs/server.md 3 tells what the tables mean. */
#include "server/db/schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/error.h"
#include "server/db/words.h"

/* In these texts {id} is a key that counts up by itself and never comes twice. */
static const char first[] =
    "CREATE TABLE tenant (id {id}, name TEXT NOT NULL UNIQUE);"
    "INSERT INTO tenant (name) VALUES ('" SCHEMA_TENANT "');"

    "CREATE TABLE receipt (session TEXT PRIMARY KEY, number BIGINT NOT NULL, at BIGINT NOT NULL);"
    "CREATE TABLE ticket_salt (period BIGINT PRIMARY KEY, salt TEXT NOT NULL);"

    "CREATE TABLE setting (tenant BIGINT NOT NULL REFERENCES tenant (id), key TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY (tenant, key));"

    "CREATE TABLE api_token (id {id}, tenant BIGINT NOT NULL REFERENCES tenant (id),"
    " name TEXT NOT NULL, role TEXT NOT NULL, digest TEXT NOT NULL UNIQUE,"
    " created_at BIGINT NOT NULL, created_by TEXT NOT NULL, revoked_at BIGINT,"
    " UNIQUE (tenant, name));"

    "CREATE TABLE module (id {id}, tenant BIGINT NOT NULL REFERENCES tenant (id),"
    " type TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, vendor TEXT, description TEXT,"
    " encrypted BIGINT NOT NULL DEFAULT 0, locked BIGINT NOT NULL DEFAULT 0,"
    " deleted_at BIGINT, created_at BIGINT NOT NULL, created_by TEXT NOT NULL,"
    " changed_at BIGINT NOT NULL, changed_by TEXT NOT NULL);"
    "CREATE UNIQUE INDEX module_name ON module (tenant, type, name, version)"
    " WHERE deleted_at IS NULL;"
    "CREATE TABLE module_metadata (module BIGINT NOT NULL REFERENCES module (id) ON DELETE CASCADE,"
    " key TEXT NOT NULL, value TEXT NOT NULL, visible BIGINT NOT NULL, PRIMARY KEY (module, key));"

    "CREATE TABLE artifact (id {id}, module BIGINT NOT NULL REFERENCES module (id) ON DELETE"
    " CASCADE, filename TEXT NOT NULL, size BIGINT NOT NULL, sha256 TEXT NOT NULL,"
    " sha1 TEXT NOT NULL, md5 TEXT NOT NULL, project TEXT, version TEXT,"
    " secure_version BIGINT NOT NULL DEFAULT 0, created_at BIGINT NOT NULL,"
    " created_by TEXT NOT NULL, UNIQUE (module, filename));"
    "CREATE INDEX artifact_sha256 ON artifact (sha256);"

    "CREATE TABLE dist_set (id {id}, tenant BIGINT NOT NULL REFERENCES tenant (id),"
    " type TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, description TEXT,"
    " version_key TEXT NOT NULL DEFAULT ''," /* fleet/version_key.h */
    " migration_step BIGINT NOT NULL DEFAULT 0, locked BIGINT NOT NULL DEFAULT 0,"
    " valid BIGINT NOT NULL DEFAULT 1, deleted_at BIGINT, created_at BIGINT NOT NULL,"
    " created_by TEXT NOT NULL, changed_at BIGINT NOT NULL, changed_by TEXT NOT NULL);"
    "CREATE UNIQUE INDEX dist_set_name ON dist_set (tenant, name, version)"
    " WHERE deleted_at IS NULL;"
    "CREATE TABLE set_module (dist_set BIGINT NOT NULL REFERENCES dist_set (id) ON DELETE CASCADE,"
    " module BIGINT NOT NULL REFERENCES module (id), PRIMARY KEY (dist_set, module));"
    "CREATE INDEX set_module_module ON set_module (module);"

    "CREATE TABLE target (id {id}, tenant BIGINT NOT NULL REFERENCES tenant (id),"
    " controller_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT, address TEXT,"
    " type TEXT, group_name TEXT, security_token TEXT NOT NULL, update_status TEXT NOT NULL,"
    " request_attributes BIGINT NOT NULL DEFAULT 1,"
    " assigned_set BIGINT REFERENCES dist_set (id), installed_set BIGINT REFERENCES dist_set (id),"
    " installed_at BIGINT, auto_confirm_at BIGINT, auto_confirm_by TEXT, auto_confirm_remark TEXT,"
    " revoked_at BIGINT, created_at BIGINT NOT NULL, created_by TEXT NOT NULL,"
    " changed_at BIGINT NOT NULL, changed_by TEXT NOT NULL, UNIQUE (tenant, controller_id));"
    "CREATE INDEX target_status ON target (tenant, update_status);"
    "CREATE INDEX target_name ON target (tenant, name);"
    "CREATE INDEX target_installed ON target (installed_set);"
    "CREATE INDEX target_assigned ON target (assigned_set);"
    /* Apart, since every poll writes here and nothing else does. */
    "CREATE TABLE target_poll (target BIGINT PRIMARY KEY REFERENCES target (id) ON DELETE CASCADE,"
    " polled_at BIGINT NOT NULL, address TEXT);"
    "CREATE INDEX target_poll_at ON target_poll (polled_at);"
    "CREATE TABLE target_attribute (target BIGINT NOT NULL REFERENCES target (id) ON DELETE"
    " CASCADE, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (target, key));"
    "CREATE INDEX target_attribute_value ON target_attribute (key, value);"
    "CREATE TABLE target_tag (target BIGINT NOT NULL REFERENCES target (id) ON DELETE CASCADE,"
    " tag TEXT NOT NULL, PRIMARY KEY (target, tag));"
    "CREATE INDEX target_tag_tag ON target_tag (tag);"

    "CREATE TABLE target_filter (id {id}, tenant BIGINT NOT NULL REFERENCES tenant (id),"
    " name TEXT NOT NULL, query TEXT NOT NULL, auto_set BIGINT REFERENCES dist_set (id),"
    " auto_kind TEXT, auto_weight BIGINT, auto_confirm BIGINT NOT NULL DEFAULT 0,"
    " auto_by TEXT, auto_cursor BIGINT NOT NULL DEFAULT 0, auto_at BIGINT NOT NULL DEFAULT 0,"
    " created_at BIGINT NOT NULL, created_by TEXT NOT NULL,"
    " changed_at BIGINT NOT NULL, changed_by TEXT NOT NULL, UNIQUE (tenant, name));"

    "CREATE TABLE rollout (id {id}, tenant BIGINT NOT NULL REFERENCES tenant (id),"
    " name TEXT NOT NULL, description TEXT, dist_set BIGINT NOT NULL REFERENCES dist_set (id),"
    " filter TEXT NOT NULL, status TEXT NOT NULL, kind TEXT NOT NULL, force_at BIGINT,"
    " start_at BIGINT, weight BIGINT, window_schedule TEXT, window_duration TEXT, window_zone TEXT,"
    " confirm BIGINT NOT NULL DEFAULT 0, downgrade BIGINT NOT NULL DEFAULT 0,"
    " retries BIGINT NOT NULL DEFAULT 0, retry_seconds BIGINT NOT NULL DEFAULT 0,"
    " total BIGINT NOT NULL DEFAULT 0, halt_reason TEXT, retry_of BIGINT,"
    " cursor BIGINT NOT NULL DEFAULT 0, check_at BIGINT NOT NULL DEFAULT 0,"
    " decided_by TEXT, decision_remark TEXT,"
    " created_at BIGINT NOT NULL, created_by TEXT NOT NULL, changed_at BIGINT NOT NULL,"
    " changed_by TEXT NOT NULL, UNIQUE (tenant, name));"
    "CREATE INDEX rollout_status ON rollout (status, check_at);"
    /* Percentages are hundredths of a percent, so that 0.1 % of a large fleet can be said. */
    "CREATE TABLE rollout_group (id {id}, rollout BIGINT NOT NULL REFERENCES rollout (id) ON DELETE"
    " CASCADE, position BIGINT NOT NULL, name TEXT NOT NULL, description TEXT,"
    " status TEXT NOT NULL, filter TEXT, share BIGINT NOT NULL, success_share BIGINT NOT NULL,"
    " success_action TEXT NOT NULL, error_share BIGINT NOT NULL, error_action TEXT NOT NULL,"
    " confirm BIGINT NOT NULL DEFAULT 0, wanted BIGINT NOT NULL DEFAULT -1,"
    " accepted BIGINT NOT NULL DEFAULT 0,"
    " total BIGINT NOT NULL DEFAULT 0, started_at BIGINT,"
    " finished_at BIGINT, UNIQUE (rollout, position));"
    "CREATE INDEX rollout_group_status ON rollout_group (status);"
    "CREATE TABLE rollout_target (rollout BIGINT NOT NULL REFERENCES rollout (id) ON DELETE"
    " CASCADE, target BIGINT NOT NULL REFERENCES target (id) ON DELETE CASCADE,"
    " rollout_group BIGINT REFERENCES rollout_group (id) ON DELETE CASCADE,"
    " place BIGINT NOT NULL, state TEXT NOT NULL, tries BIGINT NOT NULL DEFAULT 0,"
    " retry_at BIGINT, PRIMARY KEY (rollout, target));"
    "CREATE INDEX rollout_target_group ON rollout_target (rollout_group, state, place);"
    "CREATE INDEX rollout_target_target ON rollout_target (target);"
    "CREATE INDEX rollout_target_left ON rollout_target (rollout, place)"
    " WHERE rollout_group IS NULL;"
    "CREATE INDEX rollout_target_retry ON rollout_target (retry_at) WHERE retry_at IS NOT NULL;"

    "CREATE TABLE action (id {id}, tenant BIGINT NOT NULL REFERENCES tenant (id),"
    " target BIGINT NOT NULL REFERENCES target (id) ON DELETE CASCADE,"
    " dist_set BIGINT NOT NULL REFERENCES dist_set (id), state TEXT NOT NULL,"
    " active BIGINT NOT NULL, kind TEXT NOT NULL, force_at BIGINT, weight BIGINT,"
    " window_schedule TEXT, window_duration TEXT, window_zone TEXT,"
    " downgrade BIGINT NOT NULL DEFAULT 0, rollout BIGINT REFERENCES rollout (id) ON DELETE SET"
    " NULL, rollout_group BIGINT REFERENCES rollout_group (id) ON DELETE SET NULL,"
    " counted BIGINT NOT NULL DEFAULT 0," /* its end has reached rollout_target */
    " last_code BIGINT, external_ref TEXT, created_at BIGINT NOT NULL, created_by TEXT NOT NULL,"
    " changed_at BIGINT NOT NULL, changed_by TEXT NOT NULL);"
    "CREATE INDEX action_target ON action (target, active);"
    /* In the order in which a device is told of them: every poll looks for the first. */
    "CREATE INDEX action_next ON action (target, (COALESCE(weight, 1000)) DESC, id)"
    " WHERE active = 1;"
    "CREATE INDEX action_set ON action (dist_set);"
    "CREATE INDEX action_tenant ON action (tenant, id);"
    "CREATE INDEX action_group ON action (rollout_group, state);"
    "CREATE INDEX action_rollout ON action (rollout) WHERE rollout IS NOT NULL;"
    "CREATE INDEX action_uncounted ON action (rollout_group)"
    " WHERE active = 0 AND counted = 0 AND rollout_group IS NOT NULL;"
    "CREATE INDEX action_state ON action (tenant, active, state);"
    "CREATE TABLE action_status (id {id}, action BIGINT NOT NULL REFERENCES action (id) ON DELETE"
    " CASCADE, state TEXT NOT NULL, reported_at BIGINT NOT NULL, occurred_at BIGINT NOT NULL,"
    " code BIGINT);"
    "CREATE INDEX action_status_action ON action_status (action);"
    "CREATE TABLE action_message (status BIGINT NOT NULL REFERENCES action_status (id) ON DELETE"
    " CASCADE, position BIGINT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (status, position));"

    /* Each line's digest covers the one before it: a line taken out or changed shows. */
    "CREATE TABLE audit (id {id}, tenant BIGINT NOT NULL REFERENCES tenant (id),"
    " at BIGINT NOT NULL, who TEXT NOT NULL, verb TEXT NOT NULL, subject TEXT NOT NULL,"
    " detail TEXT NOT NULL, digest TEXT NOT NULL);"
    "CREATE INDEX audit_tenant ON audit (tenant, id);" /* its last line, for the next one */
    "CREATE INDEX audit_at ON audit (tenant, at);";

/* For fleets of 100,000: a group is assigned in the order of its targets' rows, so that a step
 * touches few pages; what is cancelled or filled in steps knows where it is. */
static const char second[] =
    "ALTER TABLE rollout_group ADD COLUMN filled_place BIGINT NOT NULL DEFAULT 0;"
    "DROP INDEX rollout_target_group;"
    "CREATE INDEX rollout_target_group ON rollout_target (rollout_group, state, target)"
    " WHERE rollout_group IS NOT NULL;"
    "DROP INDEX action_rollout;"
    "CREATE INDEX action_rollout ON action (rollout, id) WHERE rollout IS NOT NULL;"
    "ALTER TABLE dist_set ADD COLUMN cancel TEXT;" /* what is left to be done: "soft", "force" */
    "ALTER TABLE dist_set ADD COLUMN cancel_cursor BIGINT NOT NULL DEFAULT 0;"
    "CREATE INDEX dist_set_cancel ON dist_set (id) WHERE cancel IS NOT NULL;"
    "DROP INDEX action_set;"
    "CREATE INDEX action_set ON action (dist_set, active, id);";

/* What would be counted again and again is counted by the store itself, whatever writes: a tenant's
 * targets, and how far each group of a rollout is. */
static const char third[] =
    "ALTER TABLE tenant ADD COLUMN targets BIGINT NOT NULL DEFAULT 0;"
    "UPDATE tenant SET targets = (SELECT COUNT(*) FROM target AS t WHERE t.tenant = tenant.id);"
    "CREATE TABLE rollout_count (rollout_group BIGINT NOT NULL REFERENCES rollout_group (id)"
    " ON DELETE CASCADE, state TEXT NOT NULL, number BIGINT NOT NULL,"
    " PRIMARY KEY (rollout_group, state));"
    "INSERT INTO rollout_count SELECT rollout_group, state, COUNT(*) FROM rollout_target"
    " WHERE rollout_group IS NOT NULL GROUP BY rollout_group, state;";

/* A row at a time. */
#define COUNT_ONE                                                                                  \
    " INSERT INTO rollout_count SELECT NEW.rollout_group, NEW.state, 1"                            \
    " WHERE NEW.rollout_group IS NOT NULL"                                                         \
    " ON CONFLICT (rollout_group, state) DO UPDATE SET number = number + 1;"
#define UNCOUNT_ONE                                                                                \
    " UPDATE rollout_count SET number = number - 1"                                                \
    " WHERE rollout_group = OLD.rollout_group AND state = OLD.state;"
static const char counting_sqlite[] =
    "CREATE TRIGGER target_added AFTER INSERT ON target BEGIN"
    " UPDATE tenant SET targets = targets + 1 WHERE id = NEW.tenant; END;"
    "CREATE TRIGGER target_removed AFTER DELETE ON target BEGIN"
    " UPDATE tenant SET targets = targets - 1 WHERE id = OLD.tenant; END;"
    "CREATE TRIGGER rollout_target_added AFTER INSERT ON rollout_target BEGIN" COUNT_ONE " END;"
    "CREATE TRIGGER rollout_target_removed AFTER DELETE ON rollout_target BEGIN" UNCOUNT_ONE " END;"
    "CREATE TRIGGER rollout_target_moved AFTER UPDATE OF rollout_group, state ON rollout_target"
    " WHEN OLD.state <> NEW.state OR OLD.rollout_group IS NOT NEW.rollout_group"
    " BEGIN" UNCOUNT_ONE COUNT_ONE " END;";
#undef COUNT_ONE
#undef UNCOUNT_ONE

/* All rows of a statement at once: a row that is changed a thousand times in one transaction is
 * slow there. */
static const char counting_postgres[] =
    "CREATE FUNCTION count_targets() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF TG_OP = 'INSERT' THEN"
    "  UPDATE tenant SET targets = targets + n.number FROM (SELECT tenant, COUNT(*) AS number"
    "  FROM new_rows GROUP BY tenant) AS n WHERE id = n.tenant;"
    " ELSE"
    "  UPDATE tenant SET targets = targets - o.number FROM (SELECT tenant, COUNT(*) AS number"
    "  FROM old_rows GROUP BY tenant) AS o WHERE id = o.tenant;"
    " END IF; RETURN NULL; END $$;"
    "CREATE TRIGGER target_added AFTER INSERT ON target REFERENCING NEW TABLE AS new_rows"
    " FOR EACH STATEMENT EXECUTE FUNCTION count_targets();"
    "CREATE TRIGGER target_removed AFTER DELETE ON target REFERENCING OLD TABLE AS old_rows"
    " FOR EACH STATEMENT EXECUTE FUNCTION count_targets();"
    "CREATE FUNCTION count_rollout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF TG_OP <> 'INSERT' THEN"
    "  UPDATE rollout_count AS c SET number = c.number - o.number FROM (SELECT rollout_group,"
    "  state, COUNT(*) AS number FROM old_rows WHERE rollout_group IS NOT NULL"
    "  GROUP BY rollout_group, state) AS o"
    "  WHERE c.rollout_group = o.rollout_group AND c.state = o.state;"
    " END IF;"
    " IF TG_OP <> 'DELETE' THEN"
    "  INSERT INTO rollout_count SELECT rollout_group, state, COUNT(*) FROM new_rows"
    "  WHERE rollout_group IS NOT NULL GROUP BY rollout_group, state"
    "  ON CONFLICT (rollout_group, state) DO UPDATE"
    "  SET number = rollout_count.number + excluded.number;"
    " END IF; RETURN NULL; END $$;"
    "CREATE TRIGGER rollout_target_added AFTER INSERT ON rollout_target"
    " REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_rollout();"
    "CREATE TRIGGER rollout_target_removed AFTER DELETE ON rollout_target"
    " REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION count_rollout();"
    "CREATE TRIGGER rollout_target_moved AFTER UPDATE ON rollout_target"
    " REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"
    " FOR EACH STATEMENT EXECUTE FUNCTION count_rollout();";

/* How many reports there are of an action, without counting them at each. */
static const char fourth[] = "ALTER TABLE action ADD COLUMN reports BIGINT NOT NULL DEFAULT 0;"
                             "UPDATE action SET reports = (SELECT COUNT(*) FROM action_status AS s"
                             " WHERE s.action = action.id);";

/* To look whether a message's entry is there reads the end of an index, where all others that
 * report write theirs: of serializable transactions one would begin again. Entries are never
 * changed, so what has to be is only that messages go with them. And an action that is changed
 * finds room beside itself, so that its indexes need not change. */
static const char reports_postgres[] =
    "ALTER TABLE action_message DROP CONSTRAINT action_message_status_fkey;"
    "CREATE FUNCTION remove_messages() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " DELETE FROM action_message WHERE status IN (SELECT id FROM old_rows);"
    " RETURN NULL; END $$;"
    "CREATE TRIGGER action_status_removed AFTER DELETE ON action_status"
    " REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION remove_messages();"
    "ALTER TABLE action SET (fillfactor = 70);";

/* Zephyr's client takes no action id that is one digit and then zeros (hawkbit-ddi.md 9, 7). */
static const char first_own_sqlite[] =
    "INSERT INTO sqlite_sequence (name, seq) VALUES ('action', 11110);";
/* And SQLite's name for the order of bytes, so that filters mean the same on both. */
static const char first_own_postgres[] = "ALTER TABLE action ALTER COLUMN id RESTART 11111;"
                                         "CREATE COLLATION \"binary\" FROM \"C\";";

/* What each store needs of its own comes behind what is the same for both. */
static const struct {
    const char *script;
    const char *sqlite, *postgres; /* NULL: nothing */
} migrations[] = {
    {first, first_own_sqlite, first_own_postgres},
    {second, NULL, NULL},
    {third, counting_sqlite, counting_postgres},
    {fourth, NULL, reports_postgres},
};

int64_t schema_newest(void)
{
    return (int64_t)(sizeof migrations / sizeof migrations[0]);
}

static int run_migration(struct db *db, int64_t number)
{
    const struct db_word id = {"{id}", db_embedded(db)
                                           ? "INTEGER PRIMARY KEY AUTOINCREMENT"
                                           : "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"};
    const char *own =
        db_embedded(db) ? migrations[number - 1].sqlite : migrations[number - 1].postgres;
    char *script = db_words(migrations[number - 1].script, &id, 1);
    int status = db_script(db, script);
    free(script);
    if (status == DB_OK && own != NULL)
        status = db_script(db, own);
    if (status == DB_OK)
        status = db_run(db, "UPDATE schema_version SET number = $1", DB_ARGS(db_i(number)));
    return status;
}

/* Everything in one transaction: a store is never half migrated. */
static int migrate(struct db *db, int64_t newest, int64_t *number)
{
    int status = db_script(db, "CREATE TABLE IF NOT EXISTS schema_version (number BIGINT NOT NULL);"
                               "INSERT INTO schema_version SELECT 0 WHERE NOT EXISTS"
                               " (SELECT 1 FROM schema_version);");
    if (status == DB_OK)
        status = db_get_int(db, "SELECT number FROM schema_version", DB_NO_ARGS, number);
    if (status == DB_ROW)
        status = DB_OK;
    while (status == DB_OK && *number < newest)
        status = run_migration(db, ++*number);
    return status;
}

/* SQLite's BEGIN IMMEDIATE excludes others already. This one is taken before the transaction, since
 * a transaction does not see what was committed while it waited. */
static int wait_for_others(struct db *db, bool begin)
{
    static const char lock[] = "SELECT pg_advisory_lock(7236842)";
    static const char unlock[] = "SELECT pg_advisory_unlock(7236842)";
    return db_embedded(db) ? DB_OK : db_script(db, begin ? lock : unlock);
}

int schema_migrate_to(struct db *db, int64_t newest)
{
    int64_t number = 0;
    int status;
    do {
        status = wait_for_others(db, true);
        if (status == DB_OK)
            status = db_begin(db, DB_WRITE);
        if (status == DB_OK)
            status = migrate(db, newest, &number);
        if (status == DB_OK)
            status = db_commit(db);
        if (status != DB_OK)
            db_rollback(db);
        (void)wait_for_others(db, false);
    } while (status == DB_EAGAIN && db_mend(db) == DB_OK);
    if (status != DB_OK)
        return host_fail(NULL, "cannot prepare the store: %s: %s", db_status_text(status),
                         db_error(db));
    if (number > newest)
        return host_fail(NULL, "the store is of a newer trustchain (its schema is %lld, ours %lld)",
                         (long long)number, (long long)newest);
    return HOST_DONE;
}

int schema_migrate(struct db *db)
{
    return schema_migrate_to(db, schema_newest());
}
