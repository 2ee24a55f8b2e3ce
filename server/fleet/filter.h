/* server/fleet/filter.h: filters: RSQL (FIQL) as hawkBit's clients write it, made into SQL.
 *
 *     attribute.hw==rev3;(tag==beta,installedds.version=lt=2.0.0)
 *
 * Operators == != =lt= =le= =gt= =ge= =in= =out= (and < <= > >=), `;` or `and`, `,` or `or`,
 * parentheses, quotes; `\` takes the next character as it is. `*` in == and != is any text.
 *
 * - Letters of ASCII are the same in both cases, other characters only themselves; texts are
 *   ordered by their bytes in lower case. Attribute keys are exact.
 * - The version of a set is ordered as versions are (version_key.h): 1.9 < 1.10-rc1 < 1.10.
 * - Times and ids are numbers; autoconfirm and the like are true or false.
 * - What a row does not have equals nothing: `tag!=beta` holds for a target without tags, and
 *   `attribute.hw!=*` is "has no such attribute".
 *
 * Values, and the names of attributes, only ever become bound values. Bounds: a query of
 * FILTER_TEXT_MAX bytes, FILTER_VALUES_MAX values, FILTER_DEPTH_MAX parentheses inside each other.
 */
#ifndef SERVER_FLEET_FILTER_H
#define SERVER_FLEET_FILTER_H

#include "server/db/db.h"

#define FILTER_ALL        "(1=1)" /* the condition of an empty query */
#define FILTER_TEXT_MAX   4096
#define FILTER_SQL_MAX    16384
#define FILTER_VALUES_MAX 48
#define FILTER_DEPTH_MAX  32

struct filter {
    char sql[FILTER_SQL_MAX]; /* a condition in parentheses; "(1=1)" for an empty query */
    unsigned count;
    struct db_value value[FILTER_VALUES_MAX]; /* texts point into `text` */
    /* A byte becomes two in a pattern, three (and four in front) in a version's key. */
    char text[3 * FILTER_TEXT_MAX + 4 * (FILTER_VALUES_MAX + 1)];
    char problem[160]; /* what is wrong, and where */
};

/* What the condition is over, and the name the row has in it. */
enum filter_kind {
    FILTER_TARGETS,  /* target AS t */
    FILTER_ACTIONS,  /* action AS a */
    FILTER_MODULES,  /* module AS n */
    FILTER_SETS,     /* dist_set AS n */
    FILTER_ROLLOUTS, /* rollout AS n */
    FILTER_GROUPS,   /* rollout_group AS n */
    FILTER_QUERIES,  /* target_filter AS n */
    FILTER_AUDIT,    /* audit AS u */
};

/* `first`: the number of the first $N to use. false: see problem. Run what is made of it with
 * db_query_once(), since its text is not the program's. */
bool filter_compile(const char *query, enum filter_kind kind, unsigned first, struct filter *out);

#endif
