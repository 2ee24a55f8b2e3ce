#include "tool/inputs.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "host/error.h"
#include "host/key.h"
#include "tool/cli.h"

#define KEY_FILE_MAX 4096u

static int read_key_file(const char *path, uint8_t key[XTS_KEY_BYTES])
{
    struct buffer file;
    const char *name = file_input_name(path);
    if (file_read_private(path, KEY_FILE_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    int status = HOST_DONE;
    if (file.length == 2 * XTS_KEY_BYTES)
        status = host_fail(name, "is 64 bytes, an XTS-AES-256 key (the ESP32-C6 has only "
                                 "XTS-AES-128, 32 bytes)");
    else if (file.length != XTS_KEY_BYTES)
        status = host_fail(name, "is %zu bytes, a flash encryption key has 32", file.length);
    else
        memcpy(key, file.bytes, XTS_KEY_BYTES);
    buffer_free_secret(&file);
    return status;
}

/* *hidden (may be NULL) is set when the key is burned and this form of the file does not show it;
 * without it that is a failure. */
static int read_key_from_efuse(const char *path, uint8_t key[XTS_KEY_BYTES], bool *hidden)
{
    struct efuse_file file;
    if (efuse_file_read(path, &file) != HOST_DONE)
        return HOST_FAILED;
    const char *name = file_input_name(path);
    int status = HOST_DONE;
    if (efuse_xts_key(&file.efuse, key) != CHAIN_OK)
        status = host_fail(name, "holds no flash encryption key (burn one: trustchain efuse burn "
                                 "FILE key)");
    bool unknown = status == HOST_DONE && efuse_file_hides_key(&file);
    if (unknown && !hidden)
        status = host_fail(name, "does not show its flash encryption key, which is read-protected "
                                 "(give the key's own file)");
    if (hidden)
        *hidden = unknown;
    efuse_file_free(&file);
    return status;
}

int flash_key_read(const char *key_path, const char *efuse_path, uint8_t key[XTS_KEY_BYTES])
{
    uint8_t burned[XTS_KEY_BYTES];
    bool hidden = false;
    if (!key_path)
        return read_key_from_efuse(efuse_path, key, NULL);
    int status = read_key_file(key_path, key);
    if (status != HOST_DONE || !efuse_path)
        return status;
    status = read_key_from_efuse(efuse_path, burned, &hidden);
    if (status == HOST_DONE && !hidden && !bytes_equal_ct(key, burned, XTS_KEY_BYTES))
        status = host_fail(key_path, "is not the flash encryption key of %s", efuse_path);
    OPENSSL_cleanse(burned, sizeof burned);
    return status;
}

int key_digest_read(const char *path, uint8_t digest[SHA256_BYTES])
{
    struct key *key;
    if (key_load_public(path, &key) != HOST_DONE)
        return HOST_FAILED;
    int status = key_digest(key, digest);
    key_free(key);
    return status;
}

static bool is_digest(enum efuse_purpose purpose)
{
    return purpose >= EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 &&
           purpose <= EFUSE_PURPOSE_SECURE_BOOT_DIGEST2;
}

int efuse_key_read(const char *path, enum efuse_purpose purpose, uint8_t key[32])
{
    struct buffer file;
    if (!is_digest(purpose))
        return flash_key_read(path, NULL, key);
    if (file_read(path, FILE_MAX_DEFAULT, &file) != HOST_DONE)
        return HOST_FAILED;
    bool raw = file.length == 32;
    if (raw)
        memcpy(key, file.bytes, 32);
    buffer_free_secret(&file);
    return raw ? HOST_DONE : key_digest_read(path, key);
}

void trust_use_project(struct trust_source *source, const struct release_project *project)
{
    if (source->key_count + source->digest_count > 0)
        return;
    source->keys[source->key_count++] = project->signing_key;
    if (project->next_signing_key[0] != '\0')
        source->keys[source->key_count++] = project->next_signing_key;
}

int trust_read(const struct trust_source *source, struct sigblock_trust *trust)
{
    *trust = (struct sigblock_trust){0};
    for (size_t i = 0; i < source->key_count; i++) {
        if (key_digest_read(source->keys[i], trust->digest[trust->count]) != HOST_DONE)
            return HOST_FAILED;
        trust->slot[trust->count] = trust->count;
        trust->count++;
    }
    for (size_t i = 0; i < source->digest_count; i++) {
        if (!cli_unhex(source->digests[i], trust->digest[trust->count], SHA256_BYTES))
            return host_fail("--digest", "is not a key digest of 64 hex digits");
        trust->slot[trust->count] = trust->count;
        trust->count++;
    }
    return HOST_DONE;
}

enum image_kind image_kind_of(const uint8_t *bytes, size_t length)
{
    struct image_app_desc desc;
    return image_app_desc_read(bytes, length, &desc) == CHAIN_OK ? IMAGE_APP : IMAGE_BOOTLOADER;
}

const char *image_kind_name(enum image_kind kind)
{
    return kind == IMAGE_APP ? "app" : "bootloader";
}

uint32_t image_own_page(const struct image *image, const uint8_t *bytes, size_t length)
{
    struct image_app_desc desc = {.mmu_page_log2 = 0};
    (void)image_app_desc_read(bytes, length, &desc); /* a bootloader has none */
    return image_mmu_page(image, desc.mmu_page_log2);
}

const uint8_t *image_signature_sector(const struct image *image, const uint8_t *bytes,
                                      size_t length)
{
    if (!span_within(image->signed_length, SIGBLOCK_SECTOR_BYTES, length))
        return NULL;
    return bytes + image->signed_length;
}

int buffer_pad(struct buffer *data, size_t length)
{
    if (length <= data->length)
        return HOST_DONE;
    uint8_t *longer = realloc(data->bytes, length);
    if (!longer)
        return host_fail(NULL, "out of memory");
    memset(longer + data->length, 0xFF, length - data->length);
    data->bytes = longer;
    data->length = length;
    return HOST_DONE;
}
