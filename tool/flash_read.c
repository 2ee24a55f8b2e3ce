#include "tool/flash_read.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "chain/error.h"
#include "host/error.h"
#include "tool/cli.h"
#include "tool/file_lock.h"
#include "tool/flash_layout.h"
#include "tool/flash_source.h"
#include "tool/folder_new.h"

#define CSV_BYTES  16384u
#define NAME_BYTES 32u /* a label and ".bin", or one of the names below */

static const char bootloader_file[] = "bootloader.bin";
static const char table_file[] = "partition-table.bin";
static const char csv_file[] = "partitions.csv";

enum { OPTION_WHOLE = CLI_LONG, OPTION_JSON };

struct read_options {
    struct flash_source source;
    const char *partition;
    const char *output;
    bool whole;
    bool json;
};

static error_t parse_read(int key, char *text, struct argp_state *state)
{
    struct read_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case 'p':
        options->partition = text;
        return 0;
    case OPTION_WHOLE:
        options->whole = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    default:
        return flash_source_parse(key, text, &options->source, "flash dump", state);
    }
}

/* An image ends where its signature sector does; what follows in its slot is not part of it. */
static uint32_t part_length(const struct read_options *options, const struct flash_region *region)
{
    if (region->kind == FLASH_TABLE && !region->partition)
        return PARTITION_TABLE_BYTES;
    return options->whole || region->image_length == 0 ? region->size : region->used;
}

static int read_part(const struct read_options *options, const struct flash_dump *dump,
                     const struct flash_region *region, struct buffer *part)
{
    if (flash_dump_region(dump, region->offset, region->size, flash_region_view(region), part) !=
        HOST_DONE)
        return HOST_FAILED;
    part->length = part_length(options, region);
    return HOST_DONE;
}

static int read_partition(const struct read_options *options, const struct flash_dump *dump,
                          const struct flash_layout *layout)
{
    struct buffer part;
    const struct flash_region *region = NULL;
    int lock;
    for (size_t i = 0; i < layout->count && !region; i++) {
        if (layout->region[i].partition && strcmp(layout->region[i].label, options->partition) == 0)
            region = &layout->region[i];
    }
    if (!region)
        return host_fail(options->partition, "is no partition of this flash");
    if (file_lock_output(options->output, &lock) != HOST_DONE)
        return HOST_FAILED;
    int status = read_part(options, dump, region, &part);
    if (status == HOST_DONE)
        status = file_write(options->output, part.bytes, part.length, 0600);
    buffer_free_secret(&part);
    file_unlock(lock);
    return status;
}

/* A label is whatever bytes were in the flash; as a file name it must stay inside the folder, be
 * seen in a listing, and not be taken for an option. */
static bool is_file_name(const char *label)
{
    if (label[0] == '\0' || label[0] == '.' || label[0] == '-' || label[0] == ' ')
        return false;
    for (const char *c = label; *c; c++) {
        if (*c < 0x20 || *c > 0x7E || strchr("/\\:*?\"<>|", *c))
            return false;
    }
    return true;
}

/* One part: a region, and the file it goes to or, being empty, would go to. */
struct part {
    const struct flash_region *region;
    bool written;
    char name[NAME_BYTES];
};

struct parts {
    size_t count;
    struct part part[PARTITION_ENTRIES_MAX + 2];
};

static int name_part(const struct read_options *options, const struct flash_region *region,
                     struct part *part)
{
    char printable[CLI_TEXT];
    *part = (struct part){.region = region,
                          .written = options->whole || region->content != FLASH_EMPTY};
    if (region->partition && !is_file_name(region->label))
        return host_fail(file_input_name(options->source.path),
                         "partition \"%s\" has a label that is no file name (take single "
                         "partitions with --partition LABEL -o FILE)",
                         cli_printable(region->label, printable));
    if (region->partition)
        snprintf(part->name, sizeof part->name, "%s.bin", region->label);
    else
        strcpy(part->name, region->kind == FLASH_TABLE ? table_file : bootloader_file);
    return HOST_DONE;
}

/* File systems that do not tell capital letters apart are met on many desks. */
static int check_distinct(const struct read_options *options, const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        for (size_t k = 0; k < i; k++) {
            const char *name = parts->part[i].name;
            if (strcasecmp(name, parts->part[k].name) == 0)
                return host_fail(file_input_name(options->source.path),
                                 "two parts would be %s (take single partitions with --partition "
                                 "LABEL -o FILE)",
                                 name);
        }
    }
    return HOST_DONE;
}

static int name_parts(const struct read_options *options, const struct flash_layout *layout,
                      struct parts *parts)
{
    parts->count = 0;
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->region[i].kind == FLASH_FREE)
            continue;
        if (name_part(options, &layout->region[i], &parts->part[parts->count++]) != HOST_DONE)
            return HOST_FAILED;
    }
    return check_distinct(options, parts);
}

static int write_parts(const struct read_options *options, const struct flash_dump *dump,
                       const struct parts *parts, const struct folder_new *folder)
{
    for (size_t i = 0; i < parts->count; i++) {
        const struct flash_region *region = parts->part[i].region;
        struct buffer part;
        if (!parts->part[i].written)
            continue;
        if (read_part(options, dump, region, &part) != HOST_DONE)
            return HOST_FAILED;
        int status = folder_new_put(folder, parts->part[i].name, part.bytes, part.length);
        buffer_free_secret(&part);
        if (status != HOST_DONE)
            return HOST_FAILED;
    }
    return HOST_DONE;
}

static json_t *part_json(const struct read_options *options, const struct part *part)
{
    const struct flash_region *region = part->region;
    return json_pack("{s:o, s:o, s:I, s:I, s:s, s:b}", "file",
                     part->written ? json_string(part->name) : json_null(), "label",
                     region->partition ? cli_json_text(region->label) : json_null(), "offset",
                     (json_int_t)region->offset, "length",
                     (json_int_t)(part->written ? part_length(options, region) : 0), "content",
                     flash_content_name(region->content), "decrypted", region->encrypted);
}

static int print_parts(const struct read_options *options, const struct parts *parts)
{
    json_t *list = options->json ? json_array() : NULL;
    for (size_t i = 0; i < parts->count; i++) {
        const struct part *part = &parts->part[i];
        const struct flash_region *region = part->region;
        if (list)
            json_array_append_new(list, part_json(options, part));
        else if (!part->written)
            printf("0x%06x  %-20s  empty, not written\n", (unsigned)region->offset, region->label);
        else
            printf("0x%06x  %-20s  %s, %u bytes%s\n", (unsigned)region->offset, part->name,
                   flash_content_name(region->content), (unsigned)part_length(options, region),
                   region->encrypted ? ", decrypted" : "");
    }
    return list ? cli_json_print(list) : HOST_DONE;
}

static int split(const struct read_options *options, const struct flash_dump *dump,
                 const struct flash_layout *layout)
{
    char csv[CSV_BYTES];
    struct parts parts;
    struct folder_new folder;
    if (name_parts(options, layout, &parts) != HOST_DONE)
        return HOST_FAILED;
    int error = partition_csv_print(&dump->table, csv, sizeof csv);
    if (error)
        return host_fail(file_input_name(options->source.path),
                         "has a partition table that CSV cannot express: %s",
                         chain_error_text(error));
    if (folder_new_begin(options->output, &folder) != HOST_DONE)
        return HOST_FAILED;
    int status = folder_new_put(&folder, csv_file, csv, strlen(csv));
    if (status == HOST_DONE)
        status = write_parts(options, dump, &parts, &folder);
    status = folder_new_end(&folder, status);
    return status == HOST_DONE ? print_parts(options, &parts) : status;
}

static int check_options(const struct read_options *options)
{
    if (!options->output)
        return host_usage("flash read", "-o FOLDER is needed, or --partition LABEL and -o FILE");
    if (options->partition && options->json)
        return host_usage("flash read", "--json is for a whole dump, without --partition");
    return HOST_DONE;
}

int flash_read(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FOLDER", 0, "where the parts go; new, or empty", 0},
        {"partition", 'p', "LABEL", 0, "only this partition; -o is then a file", 0},
        FLASH_SOURCE_OPTIONS,
        {"whole", OPTION_WHOLE, NULL, 0,
         "slots to their end instead of to the end of the image, and empty partitions too", 0},
        {"json", OPTION_JSON, NULL, 0, "print what was written as JSON", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_read,
        "DUMP",
        "Take a flash dump apart: bootloader, partition table (binary and CSV), every partition "
        "by its label, decrypted where the device decrypts. From these `flash build' makes the "
        "same flash again.",
        NULL,
        NULL,
        NULL};
    struct read_options options = {0};
    struct flash_dump dump;
    struct flash_layout layout;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = check_options(&options);
    if (status != HOST_DONE)
        return status;
    status = flash_dump_open(&options.source, &dump);
    if (status == HOST_DONE)
        status = flash_layout_of_dump(&dump, &layout);
    if (status == HOST_DONE)
        status = options.partition ? read_partition(&options, &dump, &layout)
                                   : split(&options, &dump, &layout);
    flash_dump_close(&dump);
    return status;
}
