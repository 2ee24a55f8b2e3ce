#include "tool/cli_words.h"

#include <stdio.h>
#include <string.h>

/* What argp itself answers on every verb. */
static const struct argp_option own_options[] = {
    {"help", '?', NULL, 0, NULL, 0},    {"usage", 0, NULL, 0, NULL, 0},
    {"version", 'V', NULL, 0, NULL, 0}, {"program-name", 0, "NAME", 0, NULL, 0},
    {"HANG", 0, NULL, 0, NULL, 0},      {0}};

struct match {
    const struct argp_option *option; /* the last one found */
    size_t count;
};

/* Headers of groups have no name; the end of a list has nothing at all. */
static bool is_end(const struct argp_option *option)
{
    return !option->name && !option->key && !option->doc && !option->group;
}

static void match_long(const struct argp_option *list, const char *name, size_t length,
                       struct match *match)
{
    for (; !is_end(list); list++) {
        if (!list->name || strncmp(list->name, name, length) != 0)
            continue;
        bool exact = list->name[length] == '\0';
        match->count = exact ? 1 : match->count + 1;
        match->option = list;
        if (exact)
            return;
    }
}

static const struct argp_option *find_letter(const struct argp_option *list, char letter)
{
    while (!is_end(list) && list->key != letter)
        list++;
    return is_end(list) ? NULL : list;
}

enum next { NEXT_WORD, NEXT_IS_VALUE, NEXT_NEVER };

/* "--name" or "--name=value" */
static enum next check_long(const struct argp *argp, const char *word, char *fault, size_t size)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    bool has_value = name[length] == '=';
    struct match match = {0};
    match_long(own_options, name, length, &match);
    if (match.count != 1 || match.option->name[length] != '\0')
        match_long(argp->options, name, length, &match);
    if (match.count == 0)
        snprintf(fault, size, "there is no option --%.*s", (int)length, name);
    else if (match.count > 1)
        snprintf(fault, size, "--%.*s can mean several options", (int)length, name);
    else if (has_value && !match.option->arg)
        snprintf(fault, size, "--%s takes no value", match.option->name);
    else
        return match.option->arg && !has_value ? NEXT_IS_VALUE : NEXT_WORD;
    return NEXT_NEVER;
}

/* "-a", "-ab", "-oFILE" */
static enum next check_letters(const struct argp *argp, const char *word, char *fault, size_t size)
{
    for (const char *letter = word + 1; *letter; letter++) {
        const struct argp_option *option = find_letter(own_options, *letter);
        if (!option)
            option = find_letter(argp->options, *letter);
        if (!option) {
            snprintf(fault, size, "there is no option -%c", *letter);
            return NEXT_NEVER;
        }
        if (option->arg)
            return letter[1] ? NEXT_WORD : NEXT_IS_VALUE;
    }
    return NEXT_WORD;
}

bool cli_words_check(const struct argp *argp, int argc, char *const *argv, char *fault,
                     size_t fault_size)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '-' || word[1] == '\0')
            continue;
        if (strcmp(word, "--") == 0)
            return true;
        enum next next = word[1] == '-' ? check_long(argp, word, fault, fault_size)
                                        : check_letters(argp, word, fault, fault_size);
        if (next == NEXT_NEVER)
            return false;
        if (next == NEXT_IS_VALUE && ++i == argc) {
            snprintf(fault, fault_size, "%s wants a value", word);
            return false;
        }
    }
    return true;
}
