/* chain/image_desc.c: the descriptors of images and the order of its versions; see image.h. */
#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/image.h"

/* `out` has room for one byte more than the field: a field may be full, without a NUL. */
static void text_copy(char *out, const uint8_t *field, size_t field_bytes)
{
    memcpy(out, field, field_bytes);
    out[field_bytes] = '\0';
}

int image_app_desc_read(const uint8_t *bytes, size_t length, struct image_app_desc *desc)
{
    if (length < IMAGE_APP_DESC_OFFSET + IMAGE_APP_DESC_BYTES)
        return CHAIN_ETRUNCATED;
    const uint8_t *d = bytes + IMAGE_APP_DESC_OFFSET;
    if (bytes[0] != IMAGE_MAGIC || le32_load(d) != IMAGE_APP_DESC_MAGIC)
        return CHAIN_EMAGIC;

    memset(desc, 0, sizeof *desc);
    desc->secure_version = le32_load(d + 4);
    text_copy(desc->version, d + 16, 32);
    text_copy(desc->project_name, d + 48, 32);
    text_copy(desc->time, d + 80, 16);
    text_copy(desc->date, d + 96, 16);
    text_copy(desc->idf_version, d + 112, 32);
    memcpy(desc->elf_sha256, d + 144, SHA256_BYTES);
    desc->min_efuse_rev_full = le16_load(d + 176);
    desc->max_efuse_rev_full = le16_load(d + 178);
    desc->mmu_page_log2 = d[180];
    return CHAIN_OK;
}

int image_boot_desc_read(const uint8_t *bytes, size_t length, struct image_boot_desc *desc)
{
    if (length < IMAGE_BOOT_DESC_OFFSET + IMAGE_BOOT_DESC_BYTES)
        return CHAIN_ETRUNCATED;
    const uint8_t *d = bytes + IMAGE_BOOT_DESC_OFFSET;
    if (bytes[0] != IMAGE_MAGIC || d[0] != IMAGE_BOOT_DESC_MAGIC)
        return CHAIN_EMAGIC;

    memset(desc, 0, sizeof *desc);
    desc->secure_version = d[3];
    desc->version = le32_load(d + 4);
    text_copy(desc->idf_version, d + 8, 32);
    text_copy(desc->date_time, d + 40, 24);
    return CHAIN_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Compares the numbers at *a and *b, of any length, and moves both past them. */
static int number_compare(const char **a, const char **b)
{
    while (**a == '0')
        ++*a;
    while (**b == '0')
        ++*b;
    size_t a_digits = 0, b_digits = 0;
    while (is_digit((*a)[a_digits]))
        a_digits++;
    while (is_digit((*b)[b_digits]))
        b_digits++;
    if (a_digits != b_digits)
        return a_digits < b_digits ? -1 : 1;

    int order = memcmp(*a, *b, a_digits);
    *a += a_digits;
    *b += b_digits;
    return order;
}

/* Does this part of a version end here? The release part ends at a pre-release suffix too. */
static bool part_ends(char c, bool release)
{
    return c == '\0' || c == '+' || (release && c == '-');
}

/* Compares one part and moves both to its end when they are equal. The shorter of two that agree
 * comes first. */
static int part_compare(const char **a, const char **b, bool release)
{
    while (!part_ends(**a, release) && !part_ends(**b, release)) {
        int order;
        if (is_digit(**a) && is_digit(**b))
            order = number_compare(a, b);
        else
            order = (unsigned char)*(*a)++ - (unsigned char)*(*b)++;
        if (order != 0)
            return order;
    }
    return (int)part_ends(**b, release) - (int)part_ends(**a, release);
}

int image_version_compare(const char *a, const char *b)
{
    int order = part_compare(&a, &b, true);
    if (order != 0)
        return order;
    if (*a != '-' || *b != '-')
        return (int)(*b == '-') - (int)(*a == '-'); /* a pre-release precedes its release */
    a++;
    b++;
    return part_compare(&a, &b, false);
}
