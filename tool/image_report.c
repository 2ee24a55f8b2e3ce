#include "tool/image_report.h"

#include <stdio.h>

#include "chain/error.h"
#include "host/crypto.h"
#include "tool/cli.h"
#include "tool/inputs.h"
#include "tool/sign_image.h"

static const char *const memory_names[] = {
    [IMAGE_MEMORY_PADDING] = "padding", [IMAGE_MEMORY_FLASH] = "flash",
    [IMAGE_MEMORY_HP_SRAM] = "HP SRAM", [IMAGE_MEMORY_LP_SRAM] = "LP SRAM",
    [IMAGE_MEMORY_INVALID] = "invalid",
};

/* Each block on its own, its own key trusted: is it a signature of this image at all? */
static int check_block(const uint8_t *block, const uint8_t digest[SHA256_BYTES],
                       const uint8_t key_digest[SHA256_BYTES])
{
    struct sigblock_trust trust = {.count = 1};
    uint8_t sector[SIGBLOCK_SECTOR_BYTES];
    int reason;
    for (size_t i = 0; i < SHA256_BYTES; i++)
        trust.digest[0][i] = key_digest[i];
    sigblock_sector_build(sector, (const uint8_t(*)[SIGBLOCK_BYTES])block, 1);
    if (sigblock_verify(sector, digest, &trust, &host_crypto, &reason, NULL) == SIGBLOCK_TRUSTED)
        return CHAIN_OK;
    return reason;
}

static int add_signatures(const struct buffer *file, struct image_report *report)
{
    uint8_t digest[SHA256_BYTES];
    const uint8_t *sector = image_signature_sector(&report->image, file->bytes, file->length);
    if (!sector)
        return CHAIN_OK;
    int error =
        image_signed_digest(&report->image, file->bytes, file->length, &host_crypto, digest);
    if (error)
        return error;
    report->signature_count = sigblock_sector_count(sector);
    for (size_t i = 0; i < report->signature_count; i++) {
        const uint8_t *block = sector + i * SIGBLOCK_BYTES;
        uint8_t *key_digest = report->signature[i].key_digest;
        error = sigblock_key_digest(block, &host_crypto, key_digest);
        if (error)
            return error;
        report->signature[i].scheme = sign_scheme_name(block);
        report->signature[i].verdict = check_block(block, digest, key_digest);
    }
    return CHAIN_OK;
}

int image_report_make(const struct buffer *file, const struct image_judge *judge,
                      struct image_report *report)
{
    *report = (struct image_report){.kind = image_kind_of(file->bytes, file->length)};
    int error = image_parse(file->bytes, file->length, &report->image);
    if (error)
        return error;
    if (report->kind == IMAGE_APP)
        (void)image_app_desc_read(file->bytes, file->length, &report->desc);
    else
        report->has_boot =
            image_boot_desc_read(file->bytes, file->length, &report->boot) == CHAIN_OK;
    report->target = image_check_target(&report->image, report->kind, judge->chip_rev,
                                        image_mmu_page(&report->image, report->desc.mmu_page_log2));
    report->checksum = image_check_checksum(&report->image, file->bytes);
    report->digest = image_check_digest(&report->image, file->bytes, &host_crypto);
    error = add_signatures(file, report);
    if (error == CHAIN_OK)
        image_findings_make(file, judge, &report->image, &report->findings);
    return error;
}

bool image_report_good(const struct image_report *report)
{
    return report->target == CHAIN_OK && report->checksum == CHAIN_OK &&
           report->digest == CHAIN_OK && report->findings.failures == 0;
}

static const char *check_text(int error)
{
    return error ? chain_error_text(error) : "ok";
}

static const char *digest_text(const struct image_report *report)
{
    return report->image.hash_appended ? check_text(report->digest) : "none appended";
}

static void print_header(const struct image *image)
{
    printf("  entry       0x%08x\n", (unsigned)image->entry);
    printf("  chip        0x%04x%s, revisions %u..%u\n", image->chip_id,
           image->chip_id == IMAGE_CHIP_ESP32C6 ? " (ESP32-C6)" : "", image->min_rev_full,
           image->max_rev_full);
    printf("  flash       mode %u, speed %u, size %u MB\n", image->spi_mode, image->spi_speed,
           1u << image->flash_size);
    printf("  length      %u bytes, signature sector at 0x%x\n", (unsigned)image->length,
           (unsigned)image->signed_length);
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct image_segment *segment = &image->segment[i];
        printf("  segment %-2u  0x%08x  %8u bytes at 0x%-8x %s\n", i, (unsigned)segment->load_addr,
               (unsigned)segment->length, (unsigned)segment->offset, memory_names[segment->memory]);
    }
}

static void print_app(const struct image_app_desc *desc)
{
    char elf[2 * SHA256_BYTES + 1];
    char text[3][CLI_TEXT];
    printf("  app         %s %s, secure version %u\n", cli_printable(desc->project_name, text[0]),
           cli_printable(desc->version, text[1]), (unsigned)desc->secure_version);
    printf("  built       %s %s with %s\n", cli_printable(desc->date, text[0]),
           cli_printable(desc->time, text[1]), cli_printable(desc->idf_version, text[2]));
    printf("  ELF SHA-256 %s\n", cli_hex(desc->elf_sha256, SHA256_BYTES, elf));
}

static void print_boot(const struct image_boot_desc *desc)
{
    char text[2][CLI_TEXT];
    printf("  bootloader  version %u, secure version %u, %s%s%s\n", (unsigned)desc->version,
           desc->secure_version, cli_printable(desc->idf_version, text[0]),
           desc->date_time[0] != '\0' ? ", " : "", cli_printable(desc->date_time, text[1]));
}

void image_report_print(const char *name, const struct image_report *report)
{
    char digest[2 * SHA256_BYTES + 1];
    printf("%s: %s image\n", name, image_kind_name(report->kind));
    print_header(&report->image);
    if (report->kind == IMAGE_APP)
        print_app(&report->desc);
    if (report->has_boot)
        print_boot(&report->boot);
    printf("  target      %s\n", check_text(report->target));
    printf("  checksum    %s\n", check_text(report->checksum));
    printf("  digest      %s\n", digest_text(report));
    if (report->signature_count == 0)
        printf("  signature   none\n");
    for (size_t i = 0; i < report->signature_count; i++)
        printf("  signature   %s by key %s: %s\n", report->signature[i].scheme,
               cli_hex(report->signature[i].key_digest, SHA256_BYTES, digest),
               check_text(report->signature[i].verdict));
    for (size_t i = 0; i < report->findings.count; i++) {
        const struct image_finding *finding = &report->findings.item[i];
        printf("  %-11s %s: %s\n", finding->fails ? "fails" : "note", finding->check, finding->why);
    }
}

static json_t *segments_json(const struct image *image)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct image_segment *segment = &image->segment[i];
        json_array_append_new(
            list, json_pack("{s:I, s:I, s:I, s:s}", "load_addr", (json_int_t)segment->load_addr,
                            "length", (json_int_t)segment->length, "offset",
                            (json_int_t)segment->offset, "memory", memory_names[segment->memory]));
    }
    return list;
}

static json_t *blocks_json(const struct image_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->signature_count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:s}", "scheme", report->signature[i].scheme, "key_digest",
                            cli_json_hex(report->signature[i].key_digest, SHA256_BYTES), "check",
                            check_text(report->signature[i].verdict)));
    return list;
}

static json_t *findings_json(const struct image_findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "check", findings->item[i].check,
                                              "fails", findings->item[i].fails, "why",
                                              findings->item[i].why));
    return list;
}

static json_t *app_json(const struct image_app_desc *desc)
{
    return json_pack(
        "{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:i}", "project", cli_json_text(desc->project_name),
        "version", cli_json_text(desc->version), "secure_version", (json_int_t)desc->secure_version,
        "date", cli_json_text(desc->date), "time", cli_json_text(desc->time), "idf_version",
        cli_json_text(desc->idf_version), "elf_sha256",
        cli_json_hex(desc->elf_sha256, SHA256_BYTES), "mmu_page_log2", (int)desc->mmu_page_log2);
}

static json_t *boot_json(const struct image_boot_desc *desc)
{
    return json_pack("{s:I, s:i, s:o, s:o}", "version", (json_int_t)desc->version, "secure_version",
                     (int)desc->secure_version, "idf_version", cli_json_text(desc->idf_version),
                     "date_time", cli_json_text(desc->date_time));
}

json_t *image_report_json(const char *name, const struct image_report *report)
{
    const struct image *image = &report->image;
    json_t *root = json_pack(
        "{s:o, s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I}", "file", cli_json_text(name),
        "kind", image_kind_name(report->kind), "entry", (json_int_t)image->entry, "chip_id",
        (int)image->chip_id, "min_rev_full", (int)image->min_rev_full, "max_rev_full",
        (int)image->max_rev_full, "flash_mode", (int)image->spi_mode, "flash_speed",
        (int)image->spi_speed, "flash_size_mb", 1 << image->flash_size, "length",
        (json_int_t)image->length, "signed_length", (json_int_t)image->signed_length);
    json_object_set_new(root, "segments", segments_json(image));
    if (report->kind == IMAGE_APP)
        json_object_set_new(root, "app", app_json(&report->desc));
    if (report->has_boot)
        json_object_set_new(root, "bootloader", boot_json(&report->boot));
    json_object_set_new(root, "checks",
                        json_pack("{s:s, s:s, s:s}", "target", check_text(report->target),
                                  "checksum", check_text(report->checksum), "digest",
                                  digest_text(report)));
    json_object_set_new(root, "signatures", blocks_json(report));
    json_object_set_new(root, "findings", findings_json(&report->findings));
    return root;
}
