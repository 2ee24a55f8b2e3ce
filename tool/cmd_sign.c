/* trustchain sign: Secure Boot V2 signatures (formats.md 2). */
#include "tool/tool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/error.h"
#include "host/key_token.h"
#include "tool/batch.h"
#include "tool/cli.h"
#include "tool/sign_image.h"

struct sign_options {
    char **inputs;
    size_t count;
    const char *output; /* a file, or a folder for any number of images */
    const char *suffix;
    bool in_place;
    const char *keys[SIGBLOCK_MAX];
    size_t key_count;
    const char *passphrase_file;
    const char *public_keys[SIGBLOCK_MAX]; /* each with its finished signature */
    size_t public_count;
    const char *signatures[SIGBLOCK_MAX];
    size_t signature_count;
    bool append;
    bool digest_only;
    bool json;
};

enum {
    OPTION_PASSPHRASE_FILE = CLI_LONG,
    OPTION_PUBLIC_KEY,
    OPTION_SIGNATURE,
    OPTION_DIGEST_ONLY,
    OPTION_SUFFIX,
    OPTION_IN_PLACE,
    OPTION_JSON
};

/* All images of one call. */
struct signing {
    const struct sign_options *options;
    struct sign_order order;
    char **outputs; /* of each image */
    struct result {
        uint8_t digest[SHA256_BYTES];
        json_t *json;
    } * results;
    json_t *list; /* with --json */
};

static void add_name(struct argp_state *state, const char **list, size_t *count, char *text)
{
    if (*count == SIGBLOCK_MAX)
        cli_usage(state, "an image has at most three signatures");
    list[(*count)++] = text;
}

static void check_outputs(struct argp_state *state, const struct sign_options *options)
{
    int ways = !!options->output + !!options->suffix + options->in_place;
    if (ways > 1)
        cli_usage(state, "-o, --suffix and --in-place exclude each other");
    if (options->digest_only ? ways > 0 && !options->output : ways == 0)
        cli_usage(state, options->digest_only
                             ? "--digest-only writes one file (-o FILE) or prints"
                             : "an output (-o FILE or FOLDER, --suffix or --in-place) and a key "
                               "(--key FILE) are needed");
    if (options->suffix && (!options->suffix[0] || strchr(options->suffix, '/')))
        cli_usage(state, "--suffix goes behind a file name: no \"/\" in it, and not empty");
    if (options->json && options->output && strcmp(options->output, "-") == 0)
        cli_usage(state, "--json and -o - would both write to stdout");
    for (size_t i = 0; i < options->count; i++) {
        bool standard_input = strcmp(options->inputs[i], "-") == 0;
        if (standard_input && (options->count > 1 || options->suffix || options->in_place))
            cli_usage(state, "stdin (-) is one image, and needs -o");
    }
}

static void check_options(struct argp_state *state, const struct sign_options *options)
{
    size_t count = options->key_count + options->public_count;
    bool many = options->count > 1;
    if (options->count == 0)
        cli_usage(state, "no image given (see --help)");
    if (options->public_count != options->signature_count)
        cli_usage(state, "each --public-key needs its --signature");
    if (options->digest_only && count > 0)
        cli_usage(state, "--digest-only takes no key");
    if (count > SIGBLOCK_MAX)
        cli_usage(state, "an image has at most three signatures");
    if (!options->digest_only && count == 0)
        cli_usage(state, "an output (-o FILE) and a key (--key FILE) are needed");
    if (many && options->signature_count > 0)
        cli_usage(state, "a --signature belongs to one image, not to %zu", options->count);
    if (many && options->digest_only && options->output)
        cli_usage(state, "--digest-only with -o is for one image");
    check_outputs(state, options);
}

static error_t parse_sign(int key, char *text, struct argp_state *state)
{
    struct sign_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case 'k':
        add_name(state, options->keys, &options->key_count, text);
        return 0;
    case OPTION_PASSPHRASE_FILE:
        options->passphrase_file = text;
        return 0;
    case OPTION_PUBLIC_KEY:
        add_name(state, options->public_keys, &options->public_count, text);
        return 0;
    case OPTION_SIGNATURE:
        add_name(state, options->signatures, &options->signature_count, text);
        return 0;
    case OPTION_DIGEST_ONLY:
        options->digest_only = true;
        return 0;
    case OPTION_SUFFIX:
        options->suffix = text;
        return 0;
    case OPTION_IN_PLACE:
        options->in_place = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case 'a':
        options->append = true;
        return 0;
    case ARGP_KEY_END:
        check_options(state, options);
        return 0;
    default:
        return cli_many_arguments(key, &options->inputs, &options->count, state);
    }
}

/* Several images go to a folder; one image only when it is spelled as one, or a file was meant. */
static bool to_folder(const struct sign_options *options)
{
    struct stat status;
    size_t length = options->output ? strlen(options->output) : 0;
    if (length == 0)
        return false;
    return options->output[length - 1] == '/' ||
           (options->count > 1 && stat(options->output, &status) == 0 && S_ISDIR(status.st_mode));
}

/* malloc'd */
static char *output_of(const struct sign_options *options, const char *input)
{
    const char *slash = strrchr(input, '/');
    const char *name = slash ? slash + 1 : input;
    const char *head = options->output ? options->output : input;
    const char *tail = options->suffix ? options->suffix : "";
    const char *between = "";
    if (to_folder(options)) {
        between = head[strlen(head) - 1] == '/' ? "" : "/";
        tail = name;
    }
    size_t size = strlen(head) + strlen(between) + strlen(tail) + 1;
    char *out = malloc(size);
    if (out)
        snprintf(out, size, "%s%s%s", head, between, tail);
    return out;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Two images must not go to one file: the first would be lost. */
static int check_distinct(char *const *outputs, size_t count)
{
    int status = HOST_DONE;
    char **sorted = malloc(count * sizeof *sorted);
    if (!sorted)
        return host_fail(NULL, "out of memory");
    memcpy(sorted, outputs, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_texts);
    for (size_t i = 1; status == HOST_DONE && i < count; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            status = host_usage("sign", "two images would both be written to %s", sorted[i]);
    }
    free(sorted);
    return status;
}

static int plan_outputs(struct signing *signing)
{
    const struct sign_options *options = signing->options;
    size_t count = options->count;
    if (to_folder(options) && strcmp(options->inputs[0], "-") == 0)
        return host_usage("sign", "stdin has no name for a file in %s", options->output);
    if (options->output && !to_folder(options) && count > 1)
        return host_usage("sign", "with %zu images, -o is a folder (-o %s/)", count,
                          options->output);
    signing->outputs = calloc(count, sizeof *signing->outputs);
    for (size_t i = 0; i < count; i++) {
        if (signing->outputs)
            signing->outputs[i] = output_of(options, options->inputs[i]);
        if (!signing->outputs || !signing->outputs[i])
            return host_fail(NULL, "out of memory");
    }
    return check_distinct(signing->outputs, count);
}

static int open_keys(struct signing *signing)
{
    const struct sign_options *options = signing->options;
    int status = HOST_DONE;
    signing->order.append = options->append;
    for (size_t i = 0; status == HOST_DONE && i < options->key_count; i++)
        status = sign_order_add_key(&signing->order, options->keys[i], options->passphrase_file);
    for (size_t i = 0; status == HOST_DONE && i < options->public_count; i++)
        status = sign_order_add_finished(&signing->order, options->public_keys[i],
                                         options->signatures[i]);
    return status;
}

static json_t *describe(const char *name, const char *output, size_t bytes,
                        const struct signatures *signatures)
{
    return json_pack("{s:o, s:o, s:I, s:o, s:o}", "file", cli_json_text(name), "output",
                     cli_json_text(output), "bytes", (json_int_t)bytes, "digest",
                     cli_json_hex(signatures->digest, SHA256_BYTES), "signatures",
                     signatures_json(signatures));
}

static int sign_one(void *context, size_t index)
{
    struct signing *signing = context;
    const char *name = file_input_name(signing->options->inputs[index]);
    const char *output = signing->outputs[index];
    struct buffer file;
    struct signatures signatures;
    if (file_read(signing->options->inputs[index], FILE_MAX_DEFAULT, &file) != HOST_DONE)
        return HOST_FAILED;
    int status = sign_image(&signing->order, name, &file, &signatures);
    if (status == HOST_DONE)
        status = file_write(output, file.bytes, file.length, 0644);
    if (status == HOST_DONE && signing->options->json)
        signing->results[index].json = describe(name, output, file.length, &signatures);
    buffer_free(&file);
    return status;
}

static int digest_one(void *context, size_t index)
{
    struct signing *signing = context;
    const char *name = file_input_name(signing->options->inputs[index]);
    uint8_t *digest = signing->results[index].digest;
    struct buffer file;
    if (file_read(signing->options->inputs[index], FILE_MAX_DEFAULT, &file) != HOST_DONE)
        return HOST_FAILED;
    int status = sign_image_digest(name, &file, digest);
    buffer_free(&file);
    if (status == HOST_DONE && signing->options->output)
        status = file_write(signing->options->output, digest, SHA256_BYTES, 0644);
    if (status == HOST_DONE && signing->options->json)
        signing->results[index].json = json_pack("{s:o, s:o}", "file", cli_json_text(name),
                                                 "digest", cli_json_hex(digest, SHA256_BYTES));
    return status;
}

static int tell_one(void *context, size_t index, int status, const char *line)
{
    struct signing *signing = context;
    const struct sign_options *options = signing->options;
    struct result *result = &signing->results[index];
    char text[2 * SHA256_BYTES + 1];
    if (options->json)
        json_array_append_new(
            signing->list, result->json
                               ? result->json
                               : json_pack("{s:o, s:o}", "file",
                                           cli_json_text(file_input_name(options->inputs[index])),
                                           "error", cli_json_text(line)));
    else if (options->digest_only && !options->output && status == HOST_DONE)
        printf(options->count > 1 ? "%s  %s\n" : "%s\n",
               cli_hex(result->digest, SHA256_BYTES, text), options->inputs[index]);
    return HOST_DONE;
}

/* A token signs one after the other: what its driver makes of several threads nobody knows. */
static bool has_token(const struct sign_options *options)
{
    for (size_t i = 0; i < options->key_count; i++) {
        if (key_is_token(options->keys[i]))
            return true;
    }
    return false;
}

static int sign_all(struct signing *signing)
{
    const struct sign_options *options = signing->options;
    const struct batch batch = {.count = options->count,
                                .names = (const char *const *)options->inputs,
                                .alone = has_token(options),
                                .work = options->digest_only ? digest_one : sign_one,
                                .tell = tell_one,
                                .context = signing};
    int status = options->digest_only ? HOST_DONE : plan_outputs(signing);
    if (status != HOST_DONE)
        return status;
    signing->results = calloc(options->count, sizeof *signing->results);
    signing->list = json_array();
    if (!signing->results || !signing->list)
        return host_fail(NULL, "out of memory");
    status = open_keys(signing);
    if (status == HOST_DONE && to_folder(options))
        status = folder_make(options->output, 0755);
    if (status != HOST_DONE)
        return status;
    status = batch_run(&batch);
    if (options->json && cli_json_print_list(json_incref(signing->list)) != HOST_DONE)
        status = HOST_FAILED;
    return status;
}

static void signing_free(struct signing *signing)
{
    for (size_t i = 0; signing->outputs && i < signing->options->count; i++)
        free(signing->outputs[i]);
    free(signing->outputs);
    free(signing->results);
    json_decref(signing->list);
    sign_order_free(&signing->order);
}

int cmd_sign(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0,
         "where the signed image goes; a folder (FOLDER/) for any number of them", 0},
        {"suffix", OPTION_SUFFIX, "TEXT", 0, "write each beside its input, TEXT behind the name",
         0},
        {"in-place", OPTION_IN_PLACE, NULL, 0, "replace each input by what is signed", 0},
        {"key", 'k', "FILE", 0,
         "RSA-3072 or ECDSA P-256 private key, a PEM file or a pkcs11: URI; up to three times", 0},
        {"passphrase-file", OPTION_PASSPHRASE_FILE, "FILE", 0,
         "holds the passphrase or PIN of the keys (default: TRUSTCHAIN_PASSPHRASE, TRUSTCHAIN_PIN, "
         "or asked for)",
         0},
        {"public-key", OPTION_PUBLIC_KEY, "FILE", 0,
         "add a signature made elsewhere with the private half of this key; up to three times", 0},
        {"signature", OPTION_SIGNATURE, "FILE", 0,
         "that signature: RSA-PSS big-endian, ECDSA as DER or raw", 0},
        {"digest-only", OPTION_DIGEST_ONLY, NULL, 0,
         "print the SHA-256 digest that has to be signed (with -o: the 32 bytes)", 0},
        {"append", 'a', NULL, 0, "add to the signatures the image has", 0},
        {"json", OPTION_JSON, NULL, 0, "say as JSON what was signed: with several images a list",
         0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_sign,
        "IMAGE...",
        "Sign application or bootloader images for Secure Boot V2, several on all cores at once. "
        "Each is checked as a device would check it, filled with 0xFF up to the next 4096 bytes "
        "and followed by one signature sector. One that fails does not stop the others; the exit "
        "status is then 1.",
        NULL,
        NULL,
        NULL};
    struct sign_options options = {0};
    struct signing signing = {.options = &options};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    status = sign_all(&signing);
    signing_free(&signing);
    return status;
}
