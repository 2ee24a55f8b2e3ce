/* server/fleet/filter.c: see server/fleet/filter.h.
 *
 *     query      = all *( or all )          or  = "," / " or "
 *     all        = one *( and one )         and = ";" / " and "
 *     one        = "(" query ")" / name operator ( value / "(" value *( "," value ) ")" )
 *
 * One descent reads the query and writes the condition. What it writes are its own words and those
 * of the table of fields; what it read goes to the values.
 */
#include "server/fleet/filter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chain/text.h"
#include "server/fleet/filter_field.h"
#include "server/fleet/version_key.h"

enum relation { IS, IS_NOT, LESS, LESS_OR_IS, MORE, MORE_OR_IS, IN, NOT_IN };

static const struct {
    const char *text;
    enum relation relation;
    const char *sql;
} operators[] = {
    {"==", IS, " = "},          {"!=", IS_NOT, " = "},
    {"=lt=", LESS, " < "},      {"=le=", LESS_OR_IS, " <= "},
    {"=gt=", MORE, " > "},      {"=ge=", MORE_OR_IS, " >= "},
    {"=in=", IN, " IN "},       {"=out=", NOT_IN, " IN "},
    {"<=", LESS_OR_IS, " <= "}, {">=", MORE_OR_IS, " >= "},
    {"<", LESS, " < "},         {">", MORE, " > "},
};

struct parser {
    const char *query, *at;
    enum filter_kind kind;
    unsigned first;
    unsigned depth;
    size_t sql_used, text_used;
    struct filter *out;
};

struct comparison {
    const struct filter_field *field;
    const char *key; /* after "attribute." */
    size_t key_length;
    enum relation relation;
    const char *sql; /* of the operator */
};

/* false, so that a caller can end with it. */
static bool refuse(struct parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool refuse(struct parser *parser, const char *format, ...)
{
    char *problem = parser->out->problem;
    const size_t size = sizeof parser->out->problem;
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(problem, size, format, arguments);
    va_end(arguments);
    if (used > 0 && (size_t)used < size)
        snprintf(problem + used, size - (size_t)used, " (at character %zu of the filter)",
                 (size_t)(parser->at - parser->query) + 1);
    return false;
}

static bool put(struct parser *parser, const char *sql)
{
    size_t length = strlen(sql);
    if (length >= FILTER_SQL_MAX - parser->sql_used)
        return refuse(parser, "the filter is too long");
    memcpy(parser->out->sql + parser->sql_used, sql, length + 1);
    parser->sql_used += length;
    return true;
}

/* The next value's $N; the value itself is to be set by the caller. */
static struct db_value *put_value(struct parser *parser)
{
    char name[16];
    if (parser->out->count == FILTER_VALUES_MAX) {
        refuse(parser, "more than %d values", FILTER_VALUES_MAX);
        return NULL;
    }
    snprintf(name, sizeof name, "$%u", parser->first + parser->out->count);
    return put(parser, name) ? &parser->out->value[parser->out->count++] : NULL;
}

/* Words */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What ends a word without quotes. */
static bool is_reserved(char c)
{
    return c == '\0' || is_blank(c) || strchr("\"'();,=<>!~", c) != NULL;
}

static void skip_blanks(struct parser *parser)
{
    while (is_blank(*parser->at))
        parser->at++;
}

static bool take(struct parser *parser, char c)
{
    skip_blanks(parser);
    if (*parser->at != c)
        return false;
    parser->at++;
    return true;
}

/* `sign`, or the word between blanks or parentheses. */
static bool take_joint(struct parser *parser, char sign, const char *word)
{
    size_t length = strlen(word);
    if (take(parser, sign))
        return true;
    if (strncasecmp(parser->at, word, length) != 0 ||
        !(is_blank(parser->at[length]) || parser->at[length] == '('))
        return false;
    parser->at += length;
    return true;
}

/* A value: where its text is, and whether a bare '*' is in it. The text is a pattern of LIKE when
 * `pattern` is asked for. */
struct word {
    const char *text;
    size_t length;
    bool wild;
    size_t start; /* in filter.text */
};

/* As LIKE takes it: '*' is '%', what LIKE would take for a wildcard is escaped. */
static void put_char(struct parser *parser, char c, bool escaped, bool pattern)
{
    char *text = parser->out->text;
    if (pattern && c == '*' && !escaped) {
        text[parser->text_used++] = '%';
        return;
    }
    if (pattern && (c == '%' || c == '_' || c == '\\'))
        text[parser->text_used++] = '\\';
    text[parser->text_used++] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Reads one value into filter.text, whose size holds the longest of them (filter.h). */
static bool read_word(struct parser *parser, bool pattern, struct word *word)
{
    skip_blanks(parser);
    const char quote = *parser->at == '"' || *parser->at == '\'' ? *parser->at++ : '\0';
    const char *begin = parser->at;
    *word = (struct word){.text = "", .start = parser->text_used};
    while (quote != '\0' ? *parser->at != quote : !is_reserved(*parser->at)) {
        bool escaped = *parser->at == '\\' && parser->at[1] != '\0';
        char c = *(parser->at += escaped);
        if (c == '\0')
            return refuse(parser, "a quote is not closed");
        word->wild = word->wild || (c == '*' && !escaped);
        put_char(parser, c, escaped, pattern);
        parser->at++;
    }
    if (quote == '\0' && parser->at == begin)
        return refuse(parser, "a value is missing");
    parser->at += quote != '\0';
    word->text = parser->out->text + word->start;
    word->length = parser->text_used - word->start;
    parser->out->text[parser->text_used++] = '\0';
    return true;
}

/* Comparisons */

static bool put_number(struct parser *parser)
{
    struct word word;
    char *end;
    if (!read_word(parser, false, &word))
        return false;
    errno = 0;
    long long number = strtoll(word.text, &end, 10);
    if (errno != 0 || end == word.text || *end != '\0' || is_blank(word.text[0]))
        return refuse(parser, "not a number");
    struct db_value *value = put_value(parser);
    if (value != NULL)
        *value = db_i(number);
    return value != NULL;
}

static bool put_text(struct parser *parser)
{
    struct word word;
    if (!read_word(parser, false, &word))
        return false;
    struct db_value *value = put_value(parser);
    if (value != NULL)
        *value = db_tn(word.text, word.length);
    return value != NULL;
}

static bool put_lower(struct parser *parser, const char *column)
{
    return put(parser, "LOWER(") && put(parser, column) && put(parser, " COLLATE \"binary\")");
}

/* == of texts. */
static bool put_match(struct parser *parser, const char *column)
{
    const char *again = parser->at;
    struct word word;
    if (!read_word(parser, true, &word))
        return false;
    if (!word.wild) {
        parser->at = again;
        parser->text_used = word.start;
        return put_lower(parser, column) && put(parser, " = ") && put_text(parser);
    }
    if (!put_lower(parser, column) || !put(parser, " LIKE "))
        return false;
    struct db_value *value = put_value(parser);
    if (value == NULL)
        return false;
    *value = db_tn(word.text, word.length);
    return put(parser, " ESCAPE '\\'");
}

/* < and the like of versions. */
static bool put_version(struct parser *parser, const struct comparison *comparison)
{
    struct word word;
    char key[VERSION_KEY_MAX];
    if (!read_word(parser, false, &word))
        return false;
    if (word.length > VERSION_TEXT_MAX)
        return refuse(parser, "a version has at most %d bytes", VERSION_TEXT_MAX);
    version_key(word.text, key);
    size_t length = strlen(key);
    char *kept = memcpy(parser->out->text + word.start, key, length + 1);
    parser->text_used = word.start + length + 1; /* in place of the word */
    if (!put(parser, comparison->field->key) || !put(parser, " COLLATE \"binary\"") ||
        !put(parser, comparison->sql))
        return false;
    struct db_value *value = put_value(parser);
    if (value != NULL)
        *value = db_tn(kept, length);
    return value != NULL;
}

static bool put_list(struct parser *parser, const struct comparison *comparison)
{
    bool number = comparison->field->type == FILTER_NUMBER;
    bool many = take(parser, '(');
    if (!put(parser, "("))
        return false;
    do {
        if (!(number ? put_number(parser) : put_text(parser)))
            return false;
    } while (many && take(parser, ',') && put(parser, ", "));
    if (many && !take(parser, ')'))
        return refuse(parser, "a list is not closed");
    return put(parser, ")");
}

static bool put_truth(struct parser *parser, const struct comparison *comparison)
{
    struct word word;
    if (comparison->relation != IS && comparison->relation != IS_NOT)
        return refuse(parser, "true and false are compared with == and !=");
    if (!read_word(parser, false, &word))
        return false;
    bool holds = strcmp(word.text, "true") == 0;
    if (!holds && strcmp(word.text, "false") != 0)
        return refuse(parser, "neither true nor false");
    return put(parser, holds ? "(" : "NOT (") && put(parser, comparison->field->column) &&
           put(parser, ")");
}

/* The comparison as if it were not negated. */
static bool put_plain(struct parser *parser, const struct comparison *comparison)
{
    const struct filter_field *field = comparison->field;
    bool list = comparison->relation == IN || comparison->relation == NOT_IN;
    bool same = comparison->relation == IS || comparison->relation == IS_NOT;
    switch (field->type) {
    case FILTER_TRUTH:
        return put_truth(parser, comparison);
    case FILTER_NUMBER:
        return put(parser, field->column) && put(parser, comparison->sql) &&
               (list ? put_list(parser, comparison) : put_number(parser));
    case FILTER_VERSION:
        if (!list && !same)
            return put_version(parser, comparison);
        break;
    case FILTER_TEXT:
        break;
    }
    if (same)
        return put_match(parser, field->column);
    return put_lower(parser, field->column) && put(parser, comparison->sql) &&
           (list ? put_list(parser, comparison) : put_text(parser));
}

static bool put_key(struct parser *parser, const struct comparison *comparison)
{
    char *kept = parser->out->text + parser->text_used;
    if (!put(parser, "x.key = "))
        return false;
    struct db_value *value = put_value(parser);
    if (value == NULL)
        return false;
    memcpy(kept, comparison->key, comparison->key_length);
    kept[comparison->key_length] = '\0';
    parser->text_used += comparison->key_length + 1;
    *value = db_tn(kept, comparison->key_length);
    return put(parser, " AND ");
}

static bool put_comparison(struct parser *parser, const struct comparison *comparison)
{
    const struct filter_field *field = comparison->field;
    bool negated = comparison->relation == IS_NOT || comparison->relation == NOT_IN;
    return put(parser, negated ? "NOT COALESCE(" : "(") &&
           (field->within == NULL || put(parser, field->within)) &&
           (comparison->key == NULL || put_key(parser, comparison)) &&
           put_plain(parser, comparison) && (field->within == NULL || put(parser, ")")) &&
           put(parser, negated ? ", FALSE)" : ")");
}

static bool read_operator(struct parser *parser, struct comparison *comparison)
{
    skip_blanks(parser);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t length = strlen(operators[i].text);
        if (strncasecmp(parser->at, operators[i].text, length) == 0) {
            comparison->relation = operators[i].relation;
            comparison->sql = operators[i].sql;
            parser->at += length;
            return true;
        }
    }
    return refuse(parser, "an operator is missing");
}

static bool read_comparison(struct parser *parser)
{
    struct comparison comparison = {0};
    const char *name = parser->at;
    size_t length = 0;
    while (!is_reserved(name[length]))
        length++;
    if (length == 0)
        return refuse(parser, "the name of a field is missing");
    comparison.field = filter_field_find(parser->kind, name, length);
    if (comparison.field == NULL)
        return refuse(parser, "there is no field %.*s", length < 64 ? (int)length : 64, name);
    size_t known = strlen(comparison.field->name);
    if (length > known) {
        comparison.key = name + known;
        comparison.key_length = length - known;
    }
    parser->at += length;
    return read_operator(parser, &comparison) && put_comparison(parser, &comparison);
}

/* Joints */

static bool read_query(struct parser *parser);

static bool read_one(struct parser *parser)
{
    if (!take(parser, '('))
        return read_comparison(parser);
    if (++parser->depth > FILTER_DEPTH_MAX)
        return refuse(parser, "more than %d parentheses inside each other", FILTER_DEPTH_MAX);
    if (!read_query(parser))
        return false;
    parser->depth--;
    return take(parser, ')') || refuse(parser, "a parenthesis is not closed");
}

static bool read_all(struct parser *parser)
{
    if (!read_one(parser))
        return false;
    while (take_joint(parser, ';', "and")) {
        if (!put(parser, " AND ") || !read_one(parser))
            return false;
    }
    return true;
}

static bool read_query(struct parser *parser)
{
    if (!put(parser, "(") || !read_all(parser))
        return false;
    while (take_joint(parser, ',', "or")) {
        if (!put(parser, " OR ") || !read_all(parser))
            return false;
    }
    return put(parser, ")");
}

bool filter_compile(const char *query, enum filter_kind kind, unsigned first, struct filter *out)
{
    struct parser parser = {.query = query, .at = query, .kind = kind, .first = first, .out = out};
    size_t length = strnlen(query, FILTER_TEXT_MAX + 1);
    out->count = 0;
    out->sql[0] = out->problem[0] = '\0';
    if (length > FILTER_TEXT_MAX)
        return refuse(&parser, "the filter is longer than %d bytes", FILTER_TEXT_MAX);
    if (!text_is_utf8(query, length))
        return refuse(&parser, "the filter is not UTF-8");
    skip_blanks(&parser);
    if (*parser.at == '\0')
        return put(&parser, FILTER_ALL);
    if (!read_query(&parser))
        return false;
    skip_blanks(&parser);
    return *parser.at == '\0' || refuse(&parser, "the filter should end here");
}
