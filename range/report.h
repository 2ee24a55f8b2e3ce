/* range/report.h: the HTML page of a run: every check with its outcome, and the flash as an
 * attacker sees it beside what it holds.
 *
 * Self-contained: one file, no script, no outside resource, readable in light and dark.
 */
#ifndef RANGE_REPORT_H
#define RANGE_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "range/readout.h"

enum report_outcome { REPORT_PASS, REPORT_FAIL };

struct report_check {
    const char *chapter; /* checks with the same chapter follow each other */
    const char *name;
    const char *detail; /* may be empty */
    enum report_outcome outcome;
};

struct report {
    const char *title;
    const struct report_check *checks;
    size_t check_count;
    const struct readout_histogram *plain; /* NULL: no picture */
    const struct readout_histogram *cipher;
    const struct readout_search *search;
    const char *device_log; /* NULL: no log */
};

/* 0, or -1 when the stream reports an error. */
int report_write(FILE *out, const struct report *report);

#endif
