/* server/fleet/polling.h: how often devices are asked to come (hawkbit-ddi.md 3). Pure.
 *
 *     00:05:00              every five minutes
 *     00:05:00~20%          each time up to 20 % more or less
 */
#ifndef SERVER_FLEET_POLLING_H
#define SERVER_FLEET_POLLING_H

#include <stdbool.h>
#include <stdint.h>

#define POLLING_MIN_S 5u
#define POLLING_MAX_S 86399u /* 23:59:59: clients read hours as two digits up to 23 */
#define POLLING_CHARS 8

struct polling {
    uint32_t seconds;
    uint32_t spread; /* percent, 0..99 */
};

/* NULL, or what is wrong. */
const char *polling_parse(const char *text, struct polling *out);

/* "HH:MM:SS" with hours up to 23. */
bool polling_interval_valid(const char *text);

/* Seconds until the next poll: within the spread, within the bounds. `random` decides. */
uint32_t polling_next(const struct polling *polling, uint32_t random);

/* Always 8 characters and a NUL. */
void polling_print(uint32_t seconds, char out[POLLING_CHARS + 1]);

#endif
