/* tool/nvs_crypt.h: keys of encrypted NVS in files, and partitions under them (docs/nvs.md 7). */
#ifndef TOOL_NVS_CRYPT_H
#define TOOL_NVS_CRYPT_H

#include "chain/nvs_keys.h"
#include "host/file.h"

/* From a keys partition's file, which must be its owner's alone. Prints the one line and returns
 * HOST_FAILED when there are none in it; wipe *keys with OPENSSL_cleanse(). */
int nvs_keys_read(const char *path, struct nvs_keys *keys);

/* The partition in place, with the keys of that file; `name` is what messages call it. */
int nvs_crypt_file(const char *name, const char *keys_path, bool encrypt, uint8_t *bytes,
                   size_t length);

/* Verbs. */
int nvs_keys(int argc, char **argv);
int nvs_encrypt(int argc, char **argv);
int nvs_decrypt(int argc, char **argv);

#endif
