/* server/api/auth.c: see server/api/auth.h. */
#include "server/api/auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/service.h"
#include "server/fleet/setting.h"
#include "server/fleet/token.h"

#define BASIC_MAX 512 /* characters of Basic's base64 */

/* What comes after "Scheme " in the Authorization field; NULL: another scheme. */
static const char *credential(const struct api_call *call, const char *scheme)
{
    const char *field = call->request->authorization;
    size_t length = strlen(scheme);
    if (field == NULL || strncmp(field, scheme, length) != 0 || field[length] != ' ' ||
        field[length + 1] == '\0')
        return NULL;
    return field + length + 1;
}

/* Takes the same time wherever they differ, and whichever is longer. */
static bool secret_equals(const char *shown, const char *kept)
{
    char a[TARGET_TOKEN_MAX + 1] = ""; /* a gateway's is no longer */
    char b[sizeof a] = "";
    size_t shown_length = strlen(shown);
    size_t kept_length = strlen(kept);
    if (shown_length >= sizeof a || kept_length >= sizeof b)
        return false;
    memcpy(a, shown, shown_length);
    memcpy(b, kept, kept_length);
    bool same = CRYPTO_memcmp(a, b, sizeof a) == 0;
    OPENSSL_cleanse(a, sizeof a);
    OPENSSL_cleanse(b, sizeof b);
    return same;
}

/* Tenants are named without regard to case (hawkbit-ddi.md 1). */
static int find_tenant(struct api_call *call, const char *name)
{
    static const char sql[] = "SELECT id, name FROM tenant WHERE UPPER(name) = UPPER($1)";
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_t(name)));
    int status = db_next(rows);
    if (status != DB_ROW)
        return status == DB_OK ? FLEET_NONE : status;
    call->fleet.tenant = db_int(rows, 0);
    snprintf(call->fleet.tenant_name, sizeof call->fleet.tenant_name, "%s", db_text(rows, 1));
    db_end(rows);
    return FLEET_OK;
}

/* Devices. Each way answers FLEET_OK (it is the one), FLEET_NONE (try the next way), or an error.
 */

static int by_certificate(struct api_call *call)
{
    const char *name = call->request->client_certificate;
    int status;
    if (name == NULL || strcmp(name, call->segment[1]) != 0)
        return FLEET_NONE;
    bool on = setting_is_on(&call->fleet, "authentication.certificate.enabled", &status);
    return status != FLEET_OK || on ? status : FLEET_NONE;
}

/* A target token proves itself only for a target that exists; where enrolment is open, what an
 * unknown device shows becomes its token. */
static int by_target_token(struct api_call *call)
{
    const char *shown = credential(call, "TargetToken");
    char enrolment[SETTING_VALUE_MAX + 1];
    int status;
    if (shown == NULL)
        return FLEET_NONE;
    bool on = setting_is_on(&call->fleet, "authentication.targettoken.enabled", &status);
    if (status != FLEET_OK || !on)
        return status != FLEET_OK ? status : FLEET_NONE;
    if (call->known)
        return secret_equals(shown, call->target.security_token) ? FLEET_OK : FLEET_NONE;
    status = setting_get(&call->fleet, "enrolment", enrolment);
    if (status != FLEET_OK)
        return status;
    if (strcmp(enrolment, "open") != 0 || strlen(shown) < 16)
        return FLEET_NONE;
    call->enrol_token = shown;
    return FLEET_OK;
}

static int by_gateway_token(struct api_call *call)
{
    const char *shown = credential(call, "GatewayToken");
    char kept[SETTING_VALUE_MAX + 1];
    int status;
    if (shown == NULL)
        return FLEET_NONE;
    bool on = setting_is_on(&call->fleet, "authentication.gatewaytoken.enabled", &status);
    if (status == FLEET_OK && on)
        status = setting_get(&call->fleet, "authentication.gatewaytoken.key", kept);
    if (status != FLEET_OK || !on)
        return status != FLEET_OK ? status : FLEET_NONE;
    bool same = kept[0] != '\0' && secret_equals(shown, kept);
    OPENSSL_cleanse(kept, sizeof kept);
    return same ? FLEET_OK : FLEET_NONE;
}

static bool from_trusted_proxy(const struct api_call *call)
{
    const char *const *proxy = call->service->trusted_proxy;
    for (; proxy != NULL && *proxy != NULL; proxy++) {
        if (strcmp(*proxy, call->request->address) == 0)
            return true;
    }
    return false;
}

/* The next name of a list, at *text; its length, 0 at the end. */
static size_t next_name(const char **text)
{
    *text += strspn(*text, ",; ");
    return strcspn(*text, ",; ");
}

/* One of the authorities the proxy names is one of the tenant's (hawkbit-ddi.md 2). */
static bool authority_known(const char *shown, const char *kept)
{
    size_t length;
    for (; shown != NULL && (length = next_name(&shown)) > 0; shown += length) {
        size_t other;
        for (const char *at = kept; (other = next_name(&at)) > 0; at += other) {
            if (other == length && strncasecmp(at, shown, length) == 0)
                return true;
        }
    }
    return false;
}

static int by_proxy(struct api_call *call)
{
    const struct api_request *request = call->request;
    char kept[SETTING_VALUE_MAX + 1];
    int status;
    if (request->controller_header == NULL || !from_trusted_proxy(call) ||
        strcmp(request->controller_header, call->segment[1]) != 0)
        return FLEET_NONE;
    bool on = setting_is_on(&call->fleet, "authentication.header.enabled", &status);
    if (status == FLEET_OK && on)
        status = setting_get(&call->fleet, "authentication.header.authority", kept);
    if (status != FLEET_OK || !on)
        return status != FLEET_OK ? status : FLEET_NONE;
    return authority_known(request->authority_header, kept) ? FLEET_OK : FLEET_NONE;
}

static int authenticate_device(struct api_call *call)
{
    static int (*const ways[])(struct api_call *) = {by_certificate, by_target_token,
                                                     by_gateway_token, by_proxy};
    int status = find_tenant(call, call->segment[0]);
    if (status != FLEET_OK)
        return status;
    status = target_find(&call->fleet, call->segment[1], &call->target);
    call->known = status == FLEET_OK;
    if (status < 0)
        return status;
    status = FLEET_NONE;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0] && status == FLEET_NONE; i++)
        status = ways[i](call);
    if (status == FLEET_OK && call->known && call->target.revoked)
        return fleet_refuse(&call->fleet, FLEET_DENIED, "this device has been revoked");
    call->role = API_DEVICE;
    snprintf(call->who, sizeof call->who, "device %s", call->segment[1]);
    return status;
}

/* People and scripts */

struct basic {
    char text[BASIC_MAX];
    const char *tenant, *name, *secret; /* tenant: NULL when none was said */
};

/* "name:secret" out of Basic; name may be "TENANT\name". False: it is not that. */
static bool basic_parts(const char *text, struct basic *basic)
{
    char *out = basic->text;
    size_t length = strlen(text);
    if (length == 0 || length % 4 != 0 || length >= BASIC_MAX)
        return false;
    int count = EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)text, (int)length);
    if (count < 0)
        return false;
    /* It counts what the padding stands for, of which there is no more than two. */
    count -= (text[length - 1] == '=') + (text[length - 2] == '=');
    out[count] = '\0';
    char *colon = strchr(out, ':');
    if (colon == NULL || strlen(out) != (size_t)count)
        return false;
    *colon = '\0';
    char *tenant_end = strchr(out, '\\');
    if (tenant_end != NULL)
        *tenant_end = '\0';
    basic->tenant = tenant_end != NULL ? out : NULL;
    basic->name = tenant_end != NULL ? tenant_end + 1 : out;
    basic->secret = colon + 1;
    return true;
}

static enum api_role role_of(const char *word)
{
    if (strcmp(word, "admin") == 0)
        return API_ADMIN;
    return strcmp(word, "operate") == 0 ? API_OPERATE : API_READ;
}

/* The token, and the tenant it is of, which must be the one that was said. */
static int check_token(struct api_call *call, const char *tenant, const char *name,
                       const char *secret, struct token *token)
{
    static const char sql[] = "SELECT name FROM tenant WHERE id = $1";
    int status = token_check(&call->fleet, name, secret, strlen(secret), token);
    if (status != FLEET_OK)
        return status;
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(token->tenant)));
    status = db_next(rows);
    if (status != DB_ROW)
        return status == DB_OK ? FLEET_NONE : status;
    snprintf(call->fleet.tenant_name, sizeof call->fleet.tenant_name, "%s", db_text(rows, 0));
    db_end(rows);
    return tenant == NULL || strcasecmp(tenant, call->fleet.tenant_name) == 0 ? FLEET_OK
                                                                              : FLEET_NONE;
}

static int find_token(struct api_call *call, struct token *token)
{
    const char *bearer = credential(call, "Bearer");
    const char *encoded = credential(call, "Basic");
    struct basic basic;
    if (bearer != NULL)
        return check_token(call, NULL, NULL, bearer, token);
    int status = FLEET_NONE;
    if (encoded != NULL && basic_parts(encoded, &basic))
        status = check_token(call, basic.tenant, basic.name, basic.secret, token);
    OPENSSL_cleanse(&basic, sizeof basic);
    return status;
}

static int authenticate_person(struct api_call *call)
{
    struct token token;
    int status = find_token(call, &token);
    if (status != FLEET_OK)
        return status;
    call->fleet.tenant = token.tenant;
    call->role = role_of(token.role);
    snprintf(call->who, sizeof call->who, "%s", token.name);
    if (call->role < call->route->role)
        return fleet_refuse(&call->fleet, FLEET_DENIED, "a token of role %s may not do this",
                            token.role);
    return FLEET_OK;
}

int api_authenticate(struct api_call *call)
{
    int status = FLEET_OK;
    if (call->route->role == API_DEVICE)
        status = authenticate_device(call);
    else if (call->route->role != API_PUBLIC)
        status = authenticate_person(call);
    call->fleet.who = call->who;
    return status;
}
