/* host/ini.h: settings files, "name = value" under "[section]".
 *
 *     line      blank, comment, section or setting; ends with LF, CRLF or the text
 *     comment   ; or # as the first character, or a ; after white space behind section or value
 *     section   [name], taken as it stands between the brackets
 *     setting   name = value, white space around either removed; the value may be empty
 *
 * Nothing else: no continuation lines, no quotes, no setting before the first section, no control
 * character but tab, lines of at most INI_LINE_MAX bytes. Memory only: no file, no allocation.
 */
#ifndef HOST_INI_H
#define HOST_INI_H

#include <stdbool.h>
#include <stddef.h>

#define INI_LINE_MAX 1023 /* bytes, without the line's end */

/* Where and why a file was refused. line counts from 1; 0 = the file as a whole. */
struct ini_problem {
    unsigned line;
    char text[192]; /* what is wrong (and what to do); printable ASCII */
};

/* Strings last for the call. False after filling in problem->text ends the scan. */
typedef bool ini_setting(void *context, const char *section, const char *name, const char *value,
                         struct ini_problem *problem);

/* Calls `each` for every setting of text[length], in order, until one is refused. False with
 * *problem filled in (line included) when that happens or a line is not in the grammar. */
bool ini_scan(const char *text, size_t length, ini_setting *each, void *context,
              struct ini_problem *problem);

/* Fills in problem->text, anything but printable ASCII as '?'; false, for `return`. */
bool ini_wrong(struct ini_problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
