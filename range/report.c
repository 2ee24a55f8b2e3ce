/* range/report.c: see the header. */
#include "range/report.h"

#include <string.h>

#include "host/escape.h"

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1c2430;--paper:#fdfdfc;--line:#c9ced6;--good:#1a7f4b;"
    "--bad:#b3261e;--bar:#3b6ea8}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--paper:#14181e;--line:#3a424d;"
    "--good:#5fd39a;--bad:#ff8a80;--bar:#7fb2ec}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;"
    "color:var(--ink);background:var(--paper)}\n"
    "table{border-collapse:collapse;width:100%;table-layout:fixed}td:first-child{width:5rem}"
    "td,th{text-align:left;vertical-align:top;"
    "padding:.3rem .6rem;border-bottom:1px solid var(--line)}\n"
    "td.pass{color:var(--good);white-space:nowrap}td.fail{color:var(--bad);font-weight:bold}\n"
    ".pair{display:flex;flex-wrap:wrap;gap:1.5rem}figure{margin:0;flex:1 1 24rem}"
    "svg{width:100%;height:auto;border:1px solid var(--line)}rect{fill:var(--bar)}\n"
    "pre{overflow:auto;max-height:30rem;padding:1rem;border:1px solid var(--line);"
    "font-size:.8rem}\n";

static void write_checks(FILE *out, const struct report *report)
{
    const char *chapter = "";
    for (size_t i = 0; i < report->check_count; i++) {
        const struct report_check *check = &report->checks[i];
        if (strcmp(chapter, check->chapter) != 0) {
            fprintf(out, "%s<h2>", *chapter != '\0' ? "</table>\n" : "");
            chapter = check->chapter;
            escape_markup(chapter, out);
            fputs("</h2>\n<table>\n", out);
        }
        bool pass = check->outcome == REPORT_PASS;
        fprintf(out, "<tr><td class=\"%s\">%s</td><td>", pass ? "pass" : "fail",
                pass ? "passed" : "FAILED");
        escape_markup(check->name, out);
        fputs("</td><td>", out);
        escape_markup(check->detail, out);
        fputs("</td></tr>\n", out);
    }
    if (report->check_count > 0)
        fputs("</table>\n", out);
}

#define CHART_HEIGHT 160.0

/* One bar a byte value; the y axis ends at the tallest bar of this chart. */
static void write_histogram(FILE *out, const char *name, const struct readout_histogram *histogram)
{
    uint64_t tallest = 1;
    for (unsigned value = 0; value < 256; value++)
        if (histogram->count[value] > tallest)
            tallest = histogram->count[value];
    fprintf(out,
            "<figure><svg viewBox=\"0 0 512 %.0f\" role=\"img\" "
            "aria-label=\"Byte histogram: %s\">\n",
            CHART_HEIGHT, name);
    for (unsigned value = 0; value < 256; value++) {
        double height = (double)histogram->count[value] / (double)tallest * CHART_HEIGHT;
        fprintf(out, "<rect x=\"%u\" y=\"%.1f\" width=\"2\" height=\"%.1f\"/>", value * 2,
                CHART_HEIGHT - height, height);
    }
    fprintf(out,
            "</svg>\n<figcaption>%s: %llu bytes written, entropy %.4f bits per byte, "
            "chi-square %.0f (255 degrees of freedom), tallest bar %.2f %% of all "
            "bytes</figcaption></figure>\n",
            name, (unsigned long long)histogram->total, histogram->entropy, histogram->chi_square,
            histogram->total > 0 ? 100.0 * (double)tallest / (double)histogram->total : 0.0);
}

static void write_readout(FILE *out, const struct report *report)
{
    fputs("<h2>The flash as an attacker reads it</h2>\n<p>Byte values 0 to 255 from left to "
          "right: the flash contents in plain, and as "
          "the chip holds them.</p>\n"
          "<div class=\"pair\">\n",
          out);
    write_histogram(out, "plaintext", report->plain);
    write_histogram(out, "raw flash", report->cipher);
    fputs("</div>\n", out);
    if (report->search != NULL)
        fprintf(out,
                "<p>%llu different 16-byte runs of the plaintext were searched at every byte of "
                "the dump: %llu found.</p>\n",
                (unsigned long long)report->search->runs_searched,
                (unsigned long long)report->search->runs_found);
}

int report_write(FILE *out, const struct report *report)
{
    size_t passed = 0;
    for (size_t i = 0; i < report->check_count; i++)
        passed += report->checks[i].outcome == REPORT_PASS;
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>",
          out);
    escape_markup(report->title, out);
    fprintf(out, "</title>\n<style>%s</style></head><body>\n<h1>", style);
    escape_markup(report->title, out);
    fprintf(out, "</h1>\n<p><strong>%zu passed, %zu failed</strong></p>\n", passed,
            report->check_count - passed);
    if (report->plain != NULL && report->cipher != NULL)
        write_readout(out, report);
    write_checks(out, report);
    if (report->device_log != NULL) {
        fputs("<h2>Device console</h2>\n<pre>", out);
        escape_markup(report->device_log, out);
        fputs("</pre>\n", out);
    }
    fputs("</body></html>\n", out);
    return fflush(out) == 0 && !ferror(out) ? 0 : -1;
}
