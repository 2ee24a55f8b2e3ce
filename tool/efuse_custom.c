#include "tool/efuse_custom.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "host/file.h"
#include "host/ini.h"
#include "server/project.h"
#include "tool/cli.h"
#include "tool/efuse_order.h"
#include "tool/inputs.h"

#define WORD_FORMAT "%39s" /* PLAN_NAME_BYTES less the NUL */

struct custom {
    struct burn_plan *plan;
    const struct release_project *project; /* NULL: stand-ins for keys */
    const char *folder;
    char *key_file[PLAN_STEPS_MAX]; /* of each step; NULL for fields and without a project */
};

void plan_stand_in_key(unsigned number, uint8_t key[32])
{
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)(32 * number + i + 1);
}

/* The project's own key of that purpose; NULL when it has none. */
static const char *default_key(const struct release_project *project, enum efuse_purpose purpose)
{
    if (purpose == EFUSE_PURPOSE_XTS_AES_128_KEY)
        return project->flash_key;
    if (purpose == EFUSE_PURPOSE_SECURE_BOOT_DIGEST0)
        return project->signing_key;
    if (purpose == EFUSE_PURPOSE_SECURE_BOOT_DIGEST1 && project->next_signing_key[0])
        return project->next_signing_key;
    return NULL;
}

/* Where the key of the step that is added last comes from. */
static bool note_key_file(struct custom *custom, const char *file, struct ini_problem *problem)
{
    const struct burn_step *step = &custom->plan->step[custom->plan->count - 1];
    char **place = &custom->key_file[custom->plan->count - 1];
    if (!custom->project)
        return true;
    const char *own = default_key(custom->project, step->purpose);
    if (!file[0] && !own)
        return ini_wrong(problem, "%s: the project has no such key (step = %s PURPOSE KEYFILE)",
                         step->name, step->name);
    if (!file[0])
        *place = strdup(own);
    else if (file[0] == '/')
        *place = strdup(file);
    else if (asprintf(place, "%s/%s", custom->folder, file) < 0)
        *place = NULL;
    return *place || ini_wrong(problem, "out of memory");
}

static bool add_key(struct custom *custom, const char *what, const char *value, const char *file,
                    struct ini_problem *problem)
{
    enum efuse_purpose purpose;
    unsigned block;
    uint8_t key[32];
    if (!plan_find_block(what, &block))
        return ini_wrong(problem, "%s is neither a field of at most 32 bits nor KEY0 to KEY5",
                         what);
    if (!plan_find_purpose(value, &purpose))
        return ini_wrong(problem,
                         "%s is no key purpose (XTS_AES_128_KEY, SECURE_BOOT_DIGEST0, ...)", value);
    plan_stand_in_key(block, key);
    plan_key(custom->plan, block, purpose, key, "write-protected, read-protected when secret");
    return note_key_file(custom, file, problem);
}

static bool add_step(struct custom *custom, const char *text, struct ini_problem *problem)
{
    char what[PLAN_NAME_BYTES], value[PLAN_NAME_BYTES];
    uint32_t bits;
    int end = 0;
    if (sscanf(text, WORD_FORMAT " " WORD_FORMAT " %n", what, value, &end) != 2)
        return ini_wrong(problem, "a step is \"KEYn PURPOSE [KEYFILE]\" or \"FIELD BITS\"");
    if (custom->plan->count == PLAN_STEPS_MAX)
        return ini_wrong(problem, "one step too many, a plan has at most %u", PLAN_STEPS_MAX);
    const struct efuse_field *field = efuse_field_find(what);
    if (!field || field->length > 32)
        return add_key(custom, what, value, text + end, problem);
    if (text[end])
        return ini_wrong(problem, "a step is \"KEYn PURPOSE [KEYFILE]\" or \"FIELD BITS\"");
    if (!cli_number(value, &bits) || bits == 0 || (field->length < 32 && bits >> field->length))
        return ini_wrong(problem, "%s cannot have the bits %s burned, it has %u", field->name,
                         value, field->length);
    plan_bits(custom->plan, field->name, bits, field->meaning);
    return true;
}

static bool on_setting(void *context, const char *section, const char *name, const char *value,
                       struct ini_problem *problem)
{
    struct custom *custom = context;
    if (strcmp(section, "efuse") != 0)
        return true;
    if (strcmp(name, "step") == 0)
        return add_step(custom, value, problem);
    if (strcmp(name, "accept") != 0)
        return ini_wrong(problem, "[efuse] has no setting %s (step, accept)", name);
    return plan_accept(custom->plan, value) ||
           ini_wrong(problem,
                     "%s cannot be accepted: no finding of efuse audit that a plan is "
                     "refused for, or a brick",
                     value);
}

static int read_steps(const char *path, struct custom *custom)
{
    struct ini_problem problem;
    struct buffer file;
    if (file_read(path, PROJECT_INI_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    const char *name = file_input_name(path);
    bool good = ini_scan((const char *)file.bytes, file.length, on_setting, custom, &problem);
    buffer_free(&file);
    if (!good)
        return host_fail(name, "line %u: %s", problem.line, problem.text);
    if (custom->plan->count == 0)
        return host_fail(name, "has no step in a section [efuse]");
    return HOST_DONE;
}

static int read_keys(const struct custom *custom)
{
    for (size_t i = 0; i < custom->plan->count; i++) {
        struct burn_step *step = &custom->plan->step[i];
        if (custom->key_file[i] &&
            efuse_key_read(custom->key_file[i], step->purpose, step->key) != HOST_DONE)
            return HOST_FAILED;
    }
    return HOST_DONE;
}

int custom_plan_of_project(const char *folder, bool with_keys, struct burn_plan *plan)
{
    struct release_project project;
    struct custom custom = {.plan = plan, .project = with_keys ? &project : NULL, .folder = folder};
    char path[PATH_MAX];
    if (release_project_read(folder, &project) != HOST_DONE ||
        file_path(folder, "trustchain.ini", path) != HOST_DONE)
        return HOST_FAILED;
    int status = read_steps(path, &custom);
    if (status == HOST_DONE)
        status = read_keys(&custom);
    for (size_t i = 0; i < PLAN_STEPS_MAX; i++)
        free(custom.key_file[i]);
    return status;
}

int custom_plan_of_file(const char *path, struct burn_plan *plan)
{
    struct custom custom = {.plan = plan};
    return read_steps(path, &custom);
}
