/* host/ini.c: see host/ini.h. */
#include "host/ini.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t"

bool ini_wrong(struct ini_problem *problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    for (char *at = problem->text; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            *at = '?';
        }
    }
    return false;
}

/* `text` without white space at either end; cuts it where it stands. */
static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    size_t length = strlen(text);
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL) {
        length--;
    }
    text[length] = '\0';
    return text;
}

/* Ends the text before a ';' that starts it or follows white space. */
static void cut_comment(char *text)
{
    for (char *at = text; (at = strchr(at, ';')) != NULL; at++) {
        if (at == text || strchr(BLANKS, at[-1]) != NULL) {
            *at = '\0';
            return;
        }
    }
}

/* The next line into line[], without its end; the rest of the text stays in *text, *length. */
static bool take_line(const char **text, size_t *length, char line[INI_LINE_MAX + 1],
                      struct ini_problem *problem)
{
    const char *end = memchr(*text, '\n', *length);
    size_t whole = end != NULL ? (size_t)(end - *text) : *length;
    size_t size = whole;
    if (end != NULL && size > 0 && end[-1] == '\r') {
        size--;
    }
    if (size > INI_LINE_MAX) {
        return ini_wrong(problem, "is longer than %d characters", INI_LINE_MAX);
    }
    memcpy(line, *text, size);
    line[size] = '\0';
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < ' ' && c != '\t') || c == 0x7F) {
            return ini_wrong(problem, "holds a control character (0x%02x)", c);
        }
    }
    *length -= end != NULL ? whole + 1 : whole;
    *text += end != NULL ? whole + 1 : whole;
    return true;
}

/* "[name]", with nothing but a comment behind. */
static bool take_section(char *line, char section[INI_LINE_MAX + 1], struct ini_problem *problem)
{
    char *end = strchr(line, ']');
    if (end == NULL) {
        return ini_wrong(problem, "is a section without its ]");
    }
    *end = '\0';
    char *behind = end + 1;
    cut_comment(behind);
    if (*trim(behind) != '\0') {
        return ini_wrong(problem, "goes on behind the section's ]");
    }
    if (line[1] == '\0') {
        return ini_wrong(problem, "is a section without a name");
    }
    memcpy(section, line + 1, strlen(line + 1) + 1);
    return true;
}

bool ini_scan(const char *text, size_t length, ini_setting *each, void *context,
              struct ini_problem *problem)
{
    char line[INI_LINE_MAX + 1];
    char section[INI_LINE_MAX + 1] = "";
    for (problem->line = 1; length > 0; problem->line++) {
        if (!take_line(&text, &length, line, problem)) {
            return false;
        }
        char *start = line + strspn(line, BLANKS);
        if (*start == '\0' || *start == ';' || *start == '#') {
            continue;
        }
        if (*start == '[') {
            if (!take_section(start, section, problem)) {
                return false;
            }
            continue;
        }
        char *equals = strchr(start, '=');
        if (equals == NULL || equals == start) {
            return ini_wrong(problem, "is neither \"name = value\" nor [section]");
        }
        if (section[0] == '\0') {
            return ini_wrong(problem, "is a setting outside of any [section]");
        }
        *equals = '\0';
        char *value = equals + 1;
        cut_comment(value);
        if (!each(context, section, trim(start), trim(value), problem)) {
            return false;
        }
    }
    problem->line = 0;
    return true;
}
