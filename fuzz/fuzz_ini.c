/* trustchain.ini: what is accepted is a project with valid names and numbers inside their bounds,
 * and reads back as itself when printed; a refusal names a line of the text. Line ends and a
 * comment in front change nothing but that line's number. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "server/project.h"
#include "server/release/store.h"

#define INPUT_MAX 4096
#define PATH_ROOM 900 /* longer ones do not fit a line with the folder in front */

static void require_same(const struct release_project *a, const struct release_project *b)
{
    require(strcmp(a->product, b->product) == 0 && strcmp(a->channel, b->channel) == 0);
    require(strcmp(a->releases, b->releases) == 0);
    require(strcmp(a->signing_key, b->signing_key) == 0);
    require(strcmp(a->next_signing_key, b->next_signing_key) == 0);
    require(a->encryption == b->encryption && a->flash_size == b->flash_size);
    require(a->min_secure_version == b->min_secure_version && a->max_size == b->max_size);
}

static void check_accepted(const struct release_project *project)
{
    require(name_valid_product(project->product, strlen(project->product)));
    require(name_valid(project->channel, strlen(project->channel)));
    require(project->releases[0] == '/' && project->signing_key[0] == '/');
    require(project->next_signing_key[0] == '/' || project->next_signing_key[0] == '\0');
    require(project->flash_size >= 2u << 20 && project->flash_size <= 16u << 20);
    require((project->flash_size & (project->flash_size - 1)) == 0);
    require(project->min_secure_version <= PROJECT_SECURE_VERSION_MAX);
    require(project->max_size <= RELEASE_SIZE_MAX);
}

static void check_printed(const struct release_project *project)
{
    static char text[INPUT_MAX + 4 * PATH_MAX];
    struct release_project back;
    struct ini_problem problem;
    if (strlen(project->releases) > PATH_ROOM || strlen(project->signing_key) > PATH_ROOM ||
        strlen(project->next_signing_key) > PATH_ROOM)
        return;
    int length = snprintf(text, sizeof text,
                          "[product]\nname=%s\nchannel=%s\n[flash]\nsize=%uMB\nencryption=%s\n"
                          "[release]\nfolder=%s\nsigning_key=%s\nmin_secure_version=%u\n",
                          project->product, project->channel, project->flash_size >> 20,
                          project->encryption ? "on" : "off", project->releases,
                          project->signing_key, project->min_secure_version);
    if (project->next_signing_key[0] != '\0')
        length += snprintf(text + length, sizeof text - (size_t)length, "next_signing_key=%s\n",
                           project->next_signing_key);
    if (project->max_size != 0)
        length += snprintf(text + length, sizeof text - (size_t)length, "max_size=%u\n",
                           project->max_size);
    require(release_project_parse(text, (size_t)length, "/p", &back, &problem));
    require_same(project, &back);
}

static void check_problem(const struct ini_problem *problem, const char *text, size_t length)
{
    unsigned lines = 1;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    require(problem->line <= lines && problem->text[0] != '\0');
    for (const char *at = problem->text; *at != '\0'; at++)
        require(*at >= ' ' && *at <= '~');
}

/* The same text with a comment in front and lines that end with CR LF. */
static void check_rewritten(const char *text, size_t length, bool accepted,
                            const struct release_project *project,
                            const struct ini_problem *problem)
{
    static char other[2 * INPUT_MAX + 8];
    struct release_project again;
    struct ini_problem why;
    size_t size = 0;
    other[size++] = '#';
    other[size++] = '\n';
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            other[size++] = '\r';
        other[size++] = text[i];
    }
    require(release_project_parse(other, size, "/p", &again, &why) == accepted);
    if (accepted) {
        require_same(project, &again);
        return;
    }
    require(strcmp(problem->text, why.text) == 0);
    require(why.line == (problem->line == 0 ? 0 : problem->line + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct release_project project;
    struct ini_problem problem;
    const char *text = (const char *)data;
    if (size > INPUT_MAX)
        return 0;
    const bool accepted = release_project_parse(text, size, "/p", &project, &problem);
    check_rewritten(text, size, accepted, &project, &problem);
    if (!accepted) {
        check_problem(&problem, text, size);
        return 0;
    }
    check_accepted(&project);
    check_printed(&project);
    return 0;
}
