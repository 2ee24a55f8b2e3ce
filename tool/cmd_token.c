/* trustchain token: tokens for people and scripts that use the server's Management API. */
#include "tool/tool.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/error.h"
#include "host/file.h"
#include "server/db/pool.h"
#include "server/fleet/audit.h"
#include "server/fleet/token.h"
#include "tool/cli.h"
#include "tool/fleet_store.h"

enum { TOKEN_ROLE = FLEET_STORE_OWN, TOKEN_JSON };

struct token_options {
    struct fleet_store store;
    const char *name;
    const char *role;
    bool json;
    char secret[TOKEN_CHARS + 1];
    bool told;
    json_t *list;
};

static error_t parse_token(int key, char *text, struct argp_state *state)
{
    struct token_options *options = state->input;
    switch (key) {
    case TOKEN_ROLE:
        options->role = text;
        return 0;
    case TOKEN_JSON:
        options->json = true;
        return 0;
    default:
        return fleet_store_parse(key, text, &options->store, state);
    }
}

static error_t parse_named(int key, char *text, struct argp_state *state)
{
    struct token_options *options = state->input;
    if (key == ARGP_KEY_ARG && !options->name) {
        options->name = text;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        cli_usage(state, "too many arguments: %s", text);
    if (key == ARGP_KEY_END && !options->name)
        cli_usage(state, "which token? (its name)");
    return parse_token(key, text, state);
}

static int note(struct fleet *fleet, const char *verb, const struct token_options *options)
{
    char subject[TOKEN_NAME_MAX + 8];
    snprintf(subject, sizeof subject, "token %s", options->name);
    return audit_note(fleet, verb, subject, options->role ? options->role : "");
}

/* The secret goes to standard output and nowhere else: before it is committed, as a token that
 * nobody knows must not be there, and once, however often this begins anew. */
static int create(struct fleet *fleet, void *context)
{
    struct token_options *options = context;
    char line[TOKEN_CHARS + 2];
    int status =
        options->secret[0] == '\0' ? fleet_random_text(options->secret, TOKEN_CHARS) : FLEET_OK;
    if (status == FLEET_OK)
        status = token_add(fleet, options->name, options->role, options->secret);
    if (status == FLEET_OK)
        status = note(fleet, "token.create", options);
    if (status != FLEET_OK || options->told)
        return status;
    snprintf(line, sizeof line, "%s\n", options->secret);
    options->told = file_write("-", line, strlen(line), 0) == HOST_DONE;
    OPENSSL_cleanse(line, sizeof line);
    return options->told ? FLEET_OK : JOB_REFUSED;
}

static int token_create_verb(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        FLEET_STORE_OPTIONS,
        {"role", TOKEN_ROLE, "ROLE", 0, "read, operate or admin (default: read)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_named,
        "NAME",
        "Make a token for the Management API and print it, this once: the store keeps only a "
        "digest. Makes the store too when there is none yet. A server may be running.",
        NULL,
        NULL,
        NULL};
    struct token_options options = {.role = "read"};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = fleet_store_run(&options.store, FLEET_STORE_CREATE, "token", create, &options);
    OPENSSL_cleanse(options.secret, sizeof options.secret);
    return status;
}

static int revoke(struct fleet *fleet, void *context)
{
    struct token_options *options = context;
    int status = token_revoke(fleet, options->name);
    return status == FLEET_OK ? note(fleet, "token.revoke", options) : status;
}

static int token_revoke_verb(int argc, char **argv)
{
    static const struct argp_option options_known[] = {FLEET_STORE_OPTIONS, {0}};
    static const struct argp argp = {
        options_known,
        parse_named,
        "NAME",
        "Revoke a token: from now on every server refuses it. Its name is not given again.",
        NULL,
        NULL,
        NULL};
    struct token_options options = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = fleet_store_run(&options.store, FLEET_STORE_EXISTING, "token", revoke, &options);
    return status;
}

static const char *when(int64_t at, char out[32])
{
    struct tm utc;
    time_t seconds = (time_t)(at / 1000);
    gmtime_r(&seconds, &utc);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return out;
}

static void add_token(void *context, const struct token_facts *token)
{
    json_t *list = context;
    char created[32];
    char revoked[32];
    json_t *one =
        json_pack("{s:s, s:s, s:s, s:s}", "name", token->name, "role", token->role, "created",
                  when(token->created_at, created), "created_by", token->created_by);
    if (token->revoked_at != 0)
        json_object_set_new(one, "revoked", json_string(when(token->revoked_at, revoked)));
    json_array_append_new(list, one);
}

/* May run again: begins with an empty list. */
static int list(struct fleet *fleet, void *context)
{
    struct token_options *options = context;
    json_array_clear(options->list);
    return token_each(fleet, add_token, options->list);
}

static void print_list(const json_t *list)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        const char *revoked = json_string_value(json_object_get(one, "revoked"));
        printf("%s: %s, made %s by %s%s%s\n", json_string_value(json_object_get(one, "name")),
               json_string_value(json_object_get(one, "role")),
               json_string_value(json_object_get(one, "created")),
               json_string_value(json_object_get(one, "created_by")), revoked ? ", revoked " : "",
               revoked ? revoked : "");
    }
}

static int token_list_verb(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        FLEET_STORE_OPTIONS, {"json", TOKEN_JSON, NULL, 0, "print JSON", 0}, {0}};
    static const struct argp argp = {
        options_known, parse_token, NULL, "List the tokens: names and roles, never the secrets.",
        NULL,          NULL,        NULL};
    struct token_options options = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    options.list = json_array();
    status = fleet_store_run(&options.store, FLEET_STORE_EXISTING, "token", list, &options);
    if (status == HOST_DONE && options.json) {
        status = cli_json_print(options.list);
    } else {
        if (status == HOST_DONE)
            print_list(options.list);
        json_decref(options.list);
    }
    return status;
}

int cmd_token(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"create", token_create_verb, "make a token and print it"},
        {"list", token_list_verb, "which tokens there are"},
        {"revoke", token_revoke_verb, "make a token useless"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
