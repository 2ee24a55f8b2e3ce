/* server/fleet/setting.c: see server/fleet/setting.h. */
#include "server/fleet/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/fleet/polling.h"

struct setting {
    const char *key;
    const char *value; /* by default */
    bool (*valid)(const char *value);
};

static bool is_switch(const char *value)
{
    return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
}

static bool is_text(const char *value)
{
    return value[0] == '\0' || fleet_text_valid(value, SETTING_VALUE_MAX);
}

static bool is_gateway_token(const char *value)
{
    return value[0] == '\0' || (strlen(value) >= 16 && fleet_text_valid(value, 128));
}

static bool is_enrolment(const char *value)
{
    return strcmp(value, "closed") == 0 || strcmp(value, "token") == 0 ||
           strcmp(value, "open") == 0;
}

static bool is_polling(const char *value)
{
    struct polling polling;
    return polling_parse(value, &polling) == NULL;
}

static bool is_count(const char *value)
{
    size_t length = strlen(value);
    return length >= 1 && length <= 2 && strspn(value, "0123456789") == length &&
           strtol(value, NULL, 10) > 0;
}

static bool is_target_count(const char *value)
{
    size_t length = strlen(value);
    return length >= 1 && length <= 8 && strspn(value, "0123456789") == length && value[0] != '0';
}

static bool is_interval(const char *value)
{
    return polling_interval_valid(value);
}

/* In the order in which they are listed. hawkBit's own names where it has the setting. */
static const struct setting settings[] = {
    {"pollingTime", "00:05:00", is_polling},
    {"pollingOverdueTime", "00:05:00", is_interval},
    {"maintenanceWindowPollCount", "3", is_count},
    {"authentication.targettoken.enabled", "true", is_switch},
    {"authentication.gatewaytoken.enabled", "false", is_switch},
    {"authentication.gatewaytoken.key", "", is_gateway_token},
    {"authentication.header.enabled", "false", is_switch},
    {"authentication.header.authority", "", is_text},
    {"authentication.certificate.enabled", "true", is_switch},
    {"enrolment", "closed", is_enrolment},
    {"enrolment.targets", "200000", is_target_count}, /* twice the fleet it is measured with */
    {"repository.actions.autoclose.enabled", "false", is_switch},
    {"user.confirmation.flow.enabled", "false", is_switch},
    {"rollout.approval.enabled", "false", is_switch},
};

static const struct setting *find(const char *key)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (strcmp(settings[i].key, key) == 0)
            return &settings[i];
    }
    return NULL;
}

const char *setting_default(const char *key)
{
    const struct setting *setting = find(key);
    return setting != NULL ? setting->value : NULL;
}

int setting_get(struct fleet *fleet, const char *key, char out[SETTING_VALUE_MAX + 1])
{
    static const char sql[] = "SELECT value FROM setting WHERE tenant = $1 AND key = $2";
    const struct setting *setting = find(key);
    if (setting == NULL)
        return fleet_refuse(fleet, FLEET_NONE, "there is no setting %.64s", key);
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_i(fleet->tenant), db_t(key)));
    int status = db_next(rows);
    snprintf(out, SETTING_VALUE_MAX + 1, "%s",
             status == DB_ROW ? db_text(rows, 0) : setting->value);
    if (status != DB_ROW)
        return status;
    db_end(rows);
    return FLEET_OK;
}

bool setting_is_on(struct fleet *fleet, const char *key, int *status)
{
    char value[SETTING_VALUE_MAX + 1];
    *status = setting_get(fleet, key, value);
    return *status == FLEET_OK && strcmp(value, "true") == 0;
}

int setting_set(struct fleet *fleet, const char *key, const char *value)
{
    static const char put[] = "INSERT INTO setting (tenant, key, value) VALUES ($1, $2, $3)"
                              " ON CONFLICT (tenant, key) DO UPDATE SET value = excluded.value";
    static const char clear[] = "DELETE FROM setting WHERE tenant = $1 AND key = $2";
    const struct setting *setting = find(key);
    if (setting == NULL)
        return fleet_refuse(fleet, FLEET_NONE, "there is no setting %.64s", key);
    if (value == NULL)
        return db_run(fleet->db, clear, DB_ARGS(db_i(fleet->tenant), db_t(key)));
    if (!setting->valid(value))
        return fleet_refuse(fleet, FLEET_INVALID, "not a value for %s", key);
    return db_run(fleet->db, put, DB_ARGS(db_i(fleet->tenant), db_t(key), db_t(value)));
}

void setting_each(void (*each)(void *context, const char *key), void *context)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        each(context, settings[i].key);
}
