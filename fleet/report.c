/* fleet/report.c: the summary of a run, for people and for programs. */
#include <inttypes.h>

#include <jansson.h>

#include "fleet/fleet.h"

static const char *const time_words[TIME_KINDS] = {"handshake", "poll", "feedback"};

static double rate(uint64_t count, double seconds)
{
    return seconds > 0 ? (double)count / seconds : 0;
}

static double milliseconds(const struct spread *spread, double percent)
{
    return (double)spread_percentile(spread, percent) / 1000;
}

static void print_rates(const struct fleet_progress *progress, FILE *out)
{
    double seconds = progress->seconds;
    fprintf(out, "%" PRIu64 "/%zu updates ended, %.0f polls/s, %.1f MB/s", progress->ended,
            progress->online, rate(progress->polls, seconds), rate(progress->bytes, seconds) / 1e6);
}

void fleet_print_bar(const struct fleet_progress *progress, FILE *out)
{
    static const char bar[] = "##############################";
    uint64_t part = sizeof bar - 1;
    if (progress->ended < progress->online)
        part = progress->ended * part / progress->online;
    fprintf(out, "\r[%-30.*s] %.0f s, ", (int)part, bar, progress->seconds);
    print_rates(progress, out);
    fputs("\x1b[K", out);
}

void fleet_print_progress(const struct fleet_progress *progress, FILE *out)
{
    fprintf(out, "after %.0f s: ", progress->seconds);
    print_rates(progress, out);
    fputc('\n', out);
}

void fleet_print(const struct fleet_summary *summary, FILE *out)
{
    const uint64_t *count = summary->count;
    double seconds = summary->seconds;
    fprintf(out, "%zu devices, %zu of them switched on, %.1f s\n", summary->devices,
            summary->online, seconds);
    fprintf(out, "updates     %" PRIu64 " done, %" PRIu64 " rolled back, %" PRIu64 " refused\n",
            count[TALLY_UPDATED], count[TALLY_ROLLED_BACK], count[TALLY_REFUSED]);
    fputs("versions   ", out);
    for (size_t i = 0; i < summary->versions; i++)
        fprintf(out, " %s: %zu", summary->version[i].version, summary->version[i].devices);
    fputs("\nstates     ", out);
    for (unsigned i = 0; i < DEVICE_PHASES; i++) {
        if (summary->phase[i] > 0)
            fprintf(out, " %s: %zu", device_phase_word(i), summary->phase[i]);
    }
    fprintf(out, "\npolls       %" PRIu64 " (%.1f/s), feedbacks %" PRIu64 " (%.1f/s)\n",
            count[TALLY_POLLS], rate(count[TALLY_POLLS], seconds), count[TALLY_FEEDBACKS],
            rate(count[TALLY_FEEDBACKS], seconds));
    fprintf(out,
            "downloads   %" PRIu64 ", %" PRIu64 " of them resumed; %.1f MB (%.1f MB/s); %" PRIu64
            " connections broken by the script\n",
            count[TALLY_DOWNLOADS], count[TALLY_RESUMES], (double)count[TALLY_BYTES] / 1e6,
            rate(count[TALLY_BYTES], seconds) / 1e6, count[TALLY_DROPS]);
    fprintf(out, "connections %" PRIu64 ", %" PRIu64 " with a resumed session\n",
            count[TALLY_CONNECTIONS], count[TALLY_SESSIONS]);
    for (unsigned i = 0; i < TIME_KINDS; i++) {
        if (summary->time[i].count > 0)
            fprintf(out, "%-11s half within %.1f ms, 99 %% within %.1f ms\n", time_words[i],
                    milliseconds(&summary->time[i], 50), milliseconds(&summary->time[i], 99));
    }
    fputs("faults     ", out);
    unsigned kinds = 0;
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        if (summary->fault[i] > 0) {
            fprintf(out, " %s: %" PRIu64, tally_fault_word(i), summary->fault[i]);
            kinds++;
        }
    }
    fprintf(out, "%s\nmemory      %zu bytes a device, %.1f MB at most\n", kinds > 0 ? "" : " none",
            summary->memory_per_device, (double)summary->memory_peak / 1e6);
}

static json_t *times_json(const struct fleet_summary *summary)
{
    json_t *times = json_object();
    for (unsigned i = 0; i < TIME_KINDS; i++) {
        const struct spread *spread = &summary->time[i];
        json_object_set_new(times, time_words[i],
                            json_pack("{s:I, s:f, s:f}", "count", (json_int_t)spread->count,
                                      "p50_ms", milliseconds(spread, 50), "p99_ms",
                                      milliseconds(spread, 99)));
    }
    return times;
}

void fleet_print_json(const struct fleet_summary *summary, FILE *out)
{
    json_t *all = json_pack("{s:I, s:I, s:f}", "devices", (json_int_t)summary->devices, "online",
                            (json_int_t)summary->online, "seconds", summary->seconds);
    json_t *versions = json_object(), *phases = json_object(), *faults = json_object();
    json_t *outcomes = json_object();
    for (unsigned i = 0; i < TALLY_COUNTS; i++)
        json_object_set_new(all, tally_word(i), json_integer((json_int_t)summary->count[i]));
    for (size_t i = 0; i < summary->versions; i++)
        json_object_set_new(versions, summary->version[i].version,
                            json_integer((json_int_t)summary->version[i].devices));
    for (unsigned i = 0; i < DEVICE_PHASES; i++)
        json_object_set_new(phases, device_phase_word(i),
                            json_integer((json_int_t)summary->phase[i]));
    for (unsigned i = 0; i < DEVICE_OUTCOMES; i++)
        json_object_set_new(outcomes, device_outcome_word(i),
                            json_integer((json_int_t)summary->outcome[i]));
    for (unsigned i = 0; i < FAULT_KINDS; i++)
        json_object_set_new(faults, tally_fault_word(i),
                            json_integer((json_int_t)summary->fault[i]));
    json_object_set_new(all, "versions", versions);
    json_object_set_new(all, "states", phases);
    json_object_set_new(all, "outcomes", outcomes);
    json_object_set_new(all, "faults", faults);
    json_object_set_new(all, "times", times_json(summary));
    json_object_set_new(all, "memory_per_device",
                        json_integer((json_int_t)summary->memory_per_device));
    json_object_set_new(all, "memory_peak", json_integer((json_int_t)summary->memory_peak));
    json_dumpf(all, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(all);
}
