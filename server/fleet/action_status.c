/* server/fleet/action_status.c: the history of an action: entries with messages. */
#include "server/fleet/action_status.h"

#include <stdio.h>
#include <string.h>

static int put_message(struct fleet *fleet, int64_t entry, int64_t *position, const char *text,
                       size_t length)
{
    static const char sql[] =
        "INSERT INTO action_message (status, position, text) VALUES ($1, $2, $3)";
    int64_t at = (*position)++;
    return db_run(fleet->db, sql, DB_ARGS(db_i(entry), db_i(at), db_tn(text, length)));
}

/* The longest piece of at most ACTION_MESSAGE_MAX bytes that ends between two characters. */
static size_t piece(const char *text, size_t length)
{
    size_t end = length < ACTION_MESSAGE_MAX ? length : ACTION_MESSAGE_MAX;
    while (end < length && end > 1 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    return end;
}

static int put_text(struct fleet *fleet, int64_t entry, int64_t *position, const char *text)
{
    size_t left = strlen(text);
    int status = FLEET_OK;
    while (left > 0 && status == FLEET_OK) {
        size_t length = piece(text, left);
        status = put_message(fleet, entry, position, text, length);
        text += length;
        left -= length;
    }
    return status;
}

static int put_feedback(struct fleet *fleet, int64_t entry, const struct feedback *feedback)
{
    int64_t position = 0;
    int status = FLEET_OK;
    for (size_t i = 0; i < feedback->detail_count && status == FLEET_OK; i++)
        status = put_text(fleet, entry, &position, feedback->details[i]);
    if (status == FLEET_OK && feedback->has_code) {
        char text[80];
        snprintf(text, sizeof text, SERVER_MESSAGE "the device reported status code %lld",
                 (long long)feedback->code);
        status = put_text(fleet, entry, &position, text);
    }
    return status;
}

int status_entry(struct fleet *fleet, int64_t action, enum action_state state, int64_t occurred_at,
                 const struct feedback *feedback, const char *message)
{
    static const char sql[] = "INSERT INTO action_status (action, state, reported_at, occurred_at,"
                              " code) VALUES ($1, $2, $3, $4, $5) RETURNING id";
    bool has_code = feedback != NULL && feedback->has_code;
    int64_t entry;
    int64_t position = 0;
    if (feedback != NULL && feedback->detail_count > ACTION_MESSAGES_MAX)
        return fleet_refuse(fleet, FLEET_QUOTA, "more than %d messages in one report",
                            ACTION_MESSAGES_MAX);
    int status = db_get_int(fleet->db, sql,
                            DB_ARGS(db_i(action), db_t(action_state_word(state)), db_i(fleet->now),
                                    db_i(occurred_at), has_code ? db_i(feedback->code) : DB_NULL),
                            &entry);
    if (status != DB_ROW)
        return status == DB_OK ? DB_EIO : status;
    if (feedback != NULL)
        return put_feedback(fleet, entry, feedback);
    return message != NULL ? put_text(fleet, entry, &position, message) : FLEET_OK;
}

int action_messages(struct fleet *fleet, int64_t id, int64_t max,
                    void (*each)(void *context, const char *text), void *context)
{
    static const char sql[] =
        "SELECT m.text FROM action_message AS m JOIN action_status AS s ON s.id = m.status"
        " WHERE s.action = $1 AND m.text NOT LIKE '" SERVER_MESSAGE "%'"
        " ORDER BY s.id DESC, m.position DESC LIMIT $2";
    int status;
    struct db_rows *rows = db_query(fleet->db, sql, DB_ARGS(db_i(id), db_i(max)));
    while ((status = db_next(rows)) == DB_ROW)
        each(context, db_text(rows, 0));
    return status;
}
