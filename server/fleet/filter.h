/* server/fleet/filter.h: target filters: RSQL (FIQL) as hawkBit's clients write it, made into SQL.
 *
 *     attribute.hw==rev3;(tag==beta,installedds.version=lt=2.0.0)
 *
 * Operators == != =lt= =le= =gt= =ge= =in= =out= (and < <= > >=), `;` or `and`, `,` or `or`,
 * parentheses, quotes, `*` as wildcard of == and !=. Values only ever become bound values. Bounds:
 * 4096 bytes, 100 comparisons, 32 levels.
 */
#ifndef SERVER_FLEET_FILTER_H
#define SERVER_FLEET_FILTER_H

#include "server/db/db.h"

#define FILTER_TEXT_MAX   4096
#define FILTER_SQL_MAX    16384
#define FILTER_VALUES_MAX 48

struct filter {
    char sql[FILTER_SQL_MAX]; /* a condition over `target AS t`; "1=1" for an empty query */
    unsigned count;
    struct db_value value[FILTER_VALUES_MAX]; /* texts point into `text` */
    char text[FILTER_TEXT_MAX + FILTER_VALUES_MAX];
    char problem[160]; /* what is wrong, and where */
};

enum filter_kind { FILTER_TARGETS, FILTER_ACTIONS, FILTER_NAMED }; /* t, a, or name/version rows */

/* `first`: the number of the first $N to use. false: see problem. */
bool filter_compile(const char *query, enum filter_kind kind, unsigned first, struct filter *out);

#endif
