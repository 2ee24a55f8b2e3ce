/* ELF to image: any ELF either is refused or becomes an image that the reader accepts, with the
 * entry point and options asked for. The first byte chooses the options. */
#include <string.h>

#include "chain/error.h"
#include "chain/image.h"
#include "chain/image_build.h"
#include "fuzz/fuzz.h"
#include "host/crypto.h"

#define INPUT_MAX (64 * 1024)
#define BOUND_MAX (64u * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    struct image_build_options options = image_build_defaults;
    options.secure_pad_v2 = data[0] & 1;
    options.append_digest = !(data[0] & 2);
    options.elf_digest = data[0] & 4;
    const uint8_t *elf = data + 1;
    const size_t elf_length = size - 1;
    const size_t bound = image_build_bound(elf, elf_length);
    if (bound == 0 || bound > BOUND_MAX)
        return 0;
    uint8_t *out = malloc(bound);
    require(out != NULL);
    size_t length = 0;
    const int error = image_build(elf, elf_length, &options, &host_crypto, out, bound, &length);
    require(error != CHAIN_ESPACE); /* the bound is one */
    if (error == CHAIN_OK) {
        struct image image;
        require(length <= bound);
        require(image_parse(out, length, &image) == CHAIN_OK);
        require(image.length == length);
        require(image.hash_appended == options.append_digest);
        require(image_check_checksum(&image, out) == CHAIN_OK);
        require(image_check_digest(&image, out, &host_crypto) == CHAIN_OK);
        /* One byte less room is refused, not overrun. */
        size_t shorter;
        require(image_build(elf, elf_length, &options, &host_crypto, out, length - 1, &shorter) ==
                CHAIN_ESPACE);
    }
    free(out);
    return 0;
}
