/* tool/api_client.h: the update server's Management API, called from the command line.
 *
 * One call after the other over HTTPS; the server has to prove itself under the given authority.
 * The token never stands on a command line: it comes from a file of its owner's alone, or from
 * TRUSTCHAIN_TOKEN. Failures print their one line, with what the server said.
 */
#ifndef TOOL_API_CLIENT_H
#define TOOL_API_CLIENT_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api_client_options {
    const char *server;     /* https://HOST:PORT; NULL: TRUSTCHAIN_SERVER, or this machine's */
    const char *ca;         /* PEM; NULL: TRUSTCHAIN_CA, or the project's */
    const char *token_file; /* NULL: TRUSTCHAIN_TOKEN */
    const char *project;    /* folder; NULL: this one */
};

enum {
    API_CLIENT_SERVER = 0x200,
    API_CLIENT_CA,
    API_CLIENT_TOKEN_FILE,
};

/* For a verb's list of options; `group` as argp has it. */
#define API_CLIENT_OPTIONS                                                                         \
    {"server",                                                                                     \
     API_CLIENT_SERVER,                                                                            \
     "URL",                                                                                        \
     0,                                                                                            \
     "management address of the update server (default: TRUSTCHAIN_SERVER, or "                    \
     "https://localhost:8444)",                                                                    \
     0},                                                                                           \
        {"ca",                                                                                     \
         API_CLIENT_CA,                                                                            \
         "FILE",                                                                                   \
         0,                                                                                        \
         "authority that the server's certificate is of (default: TRUSTCHAIN_CA, or the "          \
         "project's)",                                                                             \
         0},                                                                                       \
        {"token-file",                                                                             \
         API_CLIENT_TOKEN_FILE,                                                                    \
         "FILE",                                                                                   \
         0,                                                                                        \
         "file with the token (default: the variable TRUSTCHAIN_TOKEN)",                           \
         0},                                                                                       \
    {                                                                                              \
        "project", 'p', "DIR", 0, "the project whose authority is trusted (default: .)", 0         \
    }

/* True when it was one of these options. */
bool api_client_option(int key, char *text, struct api_client_options *options);

struct api_client;

/* Reads token and authority; connects to nobody yet. */
int api_client_open(const struct api_client_options *options, struct api_client **out);
void api_client_close(struct api_client *client);

/* What the calls after this are about, as the command line calls it: refusals name it instead of
 * the server. NULL: the server. */
void api_client_about(struct api_client *client, const char *name);

/* `path` begins with a slash. `body` is taken over; NULL: none. *answer is the caller's, NULL when
 * the server sent none; `answer` may be NULL. HOST_FAILED unless the status is 2xx. */
int api_client_call(struct api_client *client, const char *method, const char *path, json_t *body,
                    json_t **answer);

/* DELETE of what a failed verb has made; says nothing, as the failure has been said. */
void api_client_take_back(struct api_client *client, const char *path);

/* Sends bytes as the part "file" of a form. */
int api_client_upload(struct api_client *client, const char *path, const char *filename,
                      const uint8_t *bytes, size_t length, json_t **answer);

#endif
