#include "tool/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/error.h"
#include "tool/cli_words.h"

static void print_verbs(const struct cli_verb *verbs, size_t count, const char *name)
{
    printf("Usage: %s VERB [OPTION...]\n\n", name);
    for (size_t i = 0; i < count; i++)
        printf("  %-10s %s\n", verbs[i].name, verbs[i].summary);
    printf("\n`%s VERB --help' says more about each.\n", name);
}

static const struct cli_verb *find_verb(const struct cli_verb *verbs, size_t count,
                                        const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static bool asks_for(const char *text, const char *const *words)
{
    while (*words && strcmp(text, *words) != 0)
        words++;
    return *words != NULL;
}

/* "trustchain key" -> "key": how messages name a verb; NULL for the command itself. */
static const char *verb_subject(const char *name)
{
    const char *space = strchr(name, ' ');
    return space ? space + 1 : NULL;
}

int cli_dispatch(const struct cli_verb *verbs, size_t count, int argc, char **argv)
{
    static const char *const version[] = {"--version", "-V", "version", NULL};
    static const char *const help[] = {"--help", "-?", "-h", "help", "--usage", NULL};
    char name[64];
    const char *subject = verb_subject(argv[0]);
    if (argc < 2)
        return host_usage(subject, "no verb given (`%s --help' lists them)", argv[0]);
    if (asks_for(argv[1], version)) {
        puts(argp_program_version);
        return HOST_DONE;
    }
    if (asks_for(argv[1], help)) {
        print_verbs(verbs, count, argv[0]);
        return HOST_DONE;
    }
    const struct cli_verb *verb = find_verb(verbs, count, argv[1]);
    if (!verb)
        return host_usage(subject, "there is no verb \"%s\" (`%s --help' lists them)", argv[1],
                          argv[0]);
    snprintf(name, sizeof name, "%s %s", argv[0], verb->name);
    argv[1] = name;
    return verb->run(argc - 1, argv + 1);
}

int cli_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    char fault[128];
    if (!cli_words_check(argp, argc, argv, fault, sizeof fault))
        return host_usage(verb_subject(argv[0]), "%s (see `%s --help')", fault, argv[0]);
    error_t error = argp_parse(argp, argc, argv, 0, NULL, input);
    return error ? host_usage(verb_subject(argv[0]), "%s", strerror(error)) : HOST_DONE;
}

void cli_usage(const struct argp_state *state, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    exit(host_usage(verb_subject(state->name), "%s", text));
}

bool cli_number(const char *text, uint32_t *out)
{
    static const struct {
        const char *suffix;
        unsigned shift;
    } units[] = {{"", 0}, {"K", 10}, {"KB", 10}, {"M", 20}, {"MB", 20}};
    char *end;
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (!isdigit((unsigned char)text[0]) || (hex && !isxdigit((unsigned char)text[2])))
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, hex ? 16 : 10);
    if (errno)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcasecmp(end, units[i].suffix) != 0)
            continue;
        if (value > UINT32_MAX >> units[i].shift)
            return false;
        *out = (uint32_t)(value << units[i].shift);
        return true;
    }
    return false;
}

uint32_t cli_option_number(const struct argp_state *state, const char *option, const char *text)
{
    uint32_t value;
    if (!cli_number(text, &value))
        cli_usage(state, "%s takes a number of at most 32 bits, not \"%s\"", option, text);
    return value;
}

uint32_t cli_option_flash_size(const struct argp_state *state, const char *text)
{
    uint32_t value;
    for (uint32_t size = 1u << 20; size <= 16u << 20; size *= 2) {
        if (cli_number(text, &value) && value == size)
            return value;
    }
    cli_usage(state, "flash size is 1MB, 2MB, 4MB, 8MB or 16MB, not \"%s\"", text);
}

error_t cli_one_argument(int key, char *text, const char **place, const char *what,
                         const struct argp_state *state)
{
    if (key == ARGP_KEY_ARG && *place)
        cli_usage(state, "one %s at a time, \"%s\" is too many", what, text);
    if (key == ARGP_KEY_ARG) {
        *place = text;
        return 0;
    }
    if (key == ARGP_KEY_END && !*place)
        cli_usage(state, "no %s given (see --help)", what);
    return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
}

error_t cli_many_arguments(int key, char ***list, size_t *count, const struct argp_state *state)
{
    if (key != ARGP_KEY_ARGS) /* asked for once ARGP_KEY_ARG is refused */
        return ARGP_ERR_UNKNOWN;
    *list = state->argv + state->next;
    *count = (size_t)(state->argc - state->next);
    return 0;
}

char *cli_hex(const uint8_t *bytes, size_t length, char *out)
{
    for (size_t i = 0; i < length; i++)
        sprintf(out + 2 * i, "%02x", bytes[i]);
    out[2 * length] = '\0';
    return out;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return found ? (int)(found - digits) : -1;
}

bool cli_unhex(const char *text, uint8_t *out, size_t length)
{
    if (strlen(text) != 2 * length)
        return false;
    for (size_t i = 0; i < length; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

char *cli_size(uint32_t bytes, char out[CLI_SIZE_TEXT])
{
    if (bytes && bytes % (1u << 20) == 0)
        snprintf(out, CLI_SIZE_TEXT, "%uM", (unsigned)(bytes >> 20));
    else if (bytes && bytes % (1u << 10) == 0)
        snprintf(out, CLI_SIZE_TEXT, "%uK", (unsigned)(bytes >> 10));
    else
        snprintf(out, CLI_SIZE_TEXT, "0x%x", (unsigned)bytes);
    return out;
}

const char *cli_printable(const char *text, char out[CLI_TEXT])
{
    size_t length = 0;
    for (; text[length] && length < CLI_TEXT - 1; length++)
        out[length] = text[length] >= 0x20 && text[length] < 0x7F ? text[length] : '?';
    out[length] = '\0';
    return out;
}

json_t *cli_json_text(const char *text)
{
    char printable[CLI_TEXT];
    json_t *string = json_string(text);
    return string ? string : json_string(cli_printable(text, printable));
}

json_t *cli_json_hex(const uint8_t *bytes, size_t length)
{
    char text[2 * 64 + 1];
    return json_string(length <= 64 ? cli_hex(bytes, length, text) : "");
}

int cli_json_print(json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    json_decref(value);
    if (!text)
        return host_fail(NULL, "out of memory");
    puts(text);
    free(text);
    return HOST_DONE;
}

int cli_json_print_list(json_t *list)
{
    if (json_array_size(list) != 1)
        return cli_json_print(list);
    json_t *only = json_incref(json_array_get(list, 0));
    json_decref(list);
    return cli_json_print(only);
}
