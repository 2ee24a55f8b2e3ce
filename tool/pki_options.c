/* tool/pki_options.c: see tool/pki_options.h. */
#include "tool/pki_options.h"

#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"

#define DAYS_MAX (50 * 365)

int pki_days(const struct argp_state *state, const char *text)
{
    uint32_t days = cli_option_number(state, "--days", text);
    if (days == 0 || days > DAYS_MAX)
        cli_usage(state, "--days is 1 to %d", DAYS_MAX);
    return (int)days;
}

int pki_complete(const char **path, const char *folder, const char *name, char place[PATH_MAX])
{
    if (*path)
        return HOST_DONE;
    if (!folder)
        return host_usage("pki", "a folder is needed, or every file by its option (see --help)");
    *path = place;
    return file_path(folder, name, place);
}
