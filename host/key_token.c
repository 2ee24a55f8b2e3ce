/* host/key_token.c: through the engine pkcs11 of OpenSSL, the one that Debian 12 has; the provider
 * that replaces engines is not packaged there. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "host/key_token.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/engine.h>
#include <openssl/err.h>

#include "host/error.h"
#include "host/file.h"
#include "host/key_secret.h"

#define SCHEME  "pkcs11:"
#define URI_MAX 1024

static const struct key_secret_kind pin_kind = {"PIN", "TRUSTCHAIN_PIN"};

/* A URI taken apart; empty texts for what it does not have. */
struct token_uri {
    char key[URI_MAX]; /* up to the question mark */
    char module[URI_MAX];
    char pin_source[URI_MAX];
};

bool key_is_token(const char *name)
{
    return strncmp(name, SCHEME, strlen(SCHEME)) == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes percent-encoding. `out` has room for `length` characters and a NUL. */
static bool decode(const char *text, size_t length, char *out)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%') {
            int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            *out++ = (char)(high * 16 + low);
            i += 2;
        } else {
            *out++ = text[i];
        }
    }
    *out = 0;
    return true;
}

/* When `text` is "NAME=value": the value into `out`, false when it is malformed. */
static bool take(const char *text, size_t length, const char *name, char out[URI_MAX])
{
    size_t skip = strlen(name);
    if (length < skip || strncmp(text, name, skip) != 0)
        return true;
    return decode(text + skip, length - skip, out);
}

static int parse_uri(const char *uri, struct token_uri *out)
{
    *out = (struct token_uri){0};
    if (strlen(uri) >= URI_MAX)
        return host_fail("--key", "the pkcs11: URI is longer than %d characters", URI_MAX - 1);
    if (strstr(uri, "pin-value="))
        return host_fail("--key", "a PIN in the URI can be read by every user of the machine (put "
                                  "it into a file: pin-source=)");
    size_t length = strcspn(uri, "?");
    memcpy(out->key, uri, length);
    const char *rest = uri + length;
    while (*rest) {
        rest++; /* '?' or '&' */
        length = strcspn(rest, "&");
        if (!take(rest, length, "module-path=", out->module) ||
            !take(rest, length, "pin-source=", out->pin_source))
            return host_fail(uri, "is no pkcs11: URI (RFC 7512): wrong percent-encoding");
        rest += length;
    }
    return HOST_DONE;
}

/* NULL without one. pin-source is a path or a file: URI. */
static const char *pin_path(const struct token_uri *parts, const char *pin_file)
{
    static const char file_scheme[] = "file:";
    if (!parts->pin_source[0])
        return pin_file;
    if (strncmp(parts->pin_source, file_scheme, strlen(file_scheme)) != 0)
        return parts->pin_source;
    const char *path = parts->pin_source + strlen(file_scheme);
    return strncmp(path, "//", 2) == 0 ? path + 2 : path;
}

/* Asked before the engine is, which would write a line of its own. */
static int check_module(const char *module)
{
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return host_fail(module, "cannot be loaded as the driver of a PKCS#11 token");
    dlclose(library);
    return HOST_DONE;
}

static int load_key(ENGINE *engine, const struct token_uri *parts, const struct key_secret *pin,
                    EVP_PKEY **out)
{
    ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0); /* or it writes lines of its own */
    if (parts->module[0] && !ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", parts->module, 0))
        return host_fail(parts->module, "cannot be set as PKCS#11 module");
    if (!ENGINE_ctrl_cmd_string(engine, "PIN", pin->text, 0))
        return host_fail(parts->key, "the PIN cannot be set");
    *out = ENGINE_load_private_key(engine, parts->key, NULL, NULL);
    return *out ? HOST_DONE
                : host_fail(parts->key, "no such private key in a token, or the PIN is wrong (the "
                                        "module is named by module-path= or PKCS11_MODULE_PATH)");
}

static int load_from_engine(const struct token_uri *parts, const struct key_secret *pin,
                            EVP_PKEY **out)
{
    ENGINE *engine = ENGINE_by_id("pkcs11");
    int status;
    if (engine && ENGINE_init(engine)) {
        status = load_key(engine, parts, pin, out);
        ENGINE_finish(engine); /* the key holds it by itself */
    } else {
        status = host_fail(parts->key, "OpenSSL has no engine for PKCS#11 tokens (install "
                                       "libengine-pkcs11-openssl)");
    }
    ENGINE_free(engine);
    ERR_clear_error();
    return status;
}

int key_token_open(const char *uri, const char *pin_file, EVP_PKEY **out)
{
    struct token_uri parts;
    struct key_secret pin;
    if (parse_uri(uri, &parts) != HOST_DONE)
        return HOST_FAILED;
    const char *module = parts.module[0] ? parts.module : getenv("PKCS11_MODULE_PATH");
    if (module && check_module(module) != HOST_DONE)
        return HOST_FAILED;
    int status = key_secret_read(parts.key, &pin_kind, pin_path(&parts, pin_file), false, &pin);
    if (status == HOST_DONE)
        status = load_from_engine(&parts, &pin, out);
    key_secret_wipe(&pin);
    return status;
}
