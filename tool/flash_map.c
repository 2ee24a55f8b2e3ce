/* trustchain flash map: what is where, as text, JSON or a picture. */
#include "tool/flash_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "tool/cli.h"
#include "tool/flash_layout.h"
#include "tool/flash_source.h"
#include "tool/flash_svg.h"
#include "tool/otadata_names.h"
#include "tool/table.h"

enum { OPTION_SIZE = CLI_LONG, OPTION_SVG, OPTION_JSON };

struct map_options {
    struct flash_source source;
    uint32_t size;
    const char *svg;
    bool json;
};

static error_t parse_map(int key, char *text, struct argp_state *state)
{
    struct map_options *options = state->input;
    switch (key) {
    case OPTION_SIZE:
        options->size = cli_option_flash_size(state, text);
        return 0;
    case OPTION_SVG:
        options->svg = text;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    default:
        return flash_source_parse(key, text, &options->source, "flash dump or partition table",
                                  state);
    }
}

/* What the line says of a region's content. */
static void print_content(const struct flash_region *region)
{
    char text[2][CLI_TEXT];
    switch (region->content) {
    case FLASH_PLANNED:
        fputs(flash_kind_name(region->kind), stdout);
        break;
    case FLASH_EMPTY:
        fputs(region->kind == FLASH_FREE ? "free" : "empty", stdout);
        break;
    case FLASH_FILLED:
        fputs(region->kind == FLASH_FREE ? "data outside of any partition" : "data", stdout);
        break;
    case FLASH_IMAGE:
    case FLASH_DAMAGED:
        if (region->content == FLASH_DAMAGED)
            fputs("damaged ", stdout);
        if (region->kind == FLASH_APP && region->described)
            printf("app %s %s", cli_printable(region->app.project_name, text[0]),
                   cli_printable(region->app.version, text[1]));
        else
            fputs("image", stdout);
        printf(", %u bytes", (unsigned)region->image_length);
        break;
    }
}

static void print_region(const struct flash_region *region)
{
    char size[CLI_SIZE_TEXT], label[CLI_TEXT], name[CLI_TEXT + 2];
    cli_printable(region->label, label);
    if (region->partition)
        snprintf(name, sizeof name, "%s", label);
    else
        snprintf(name, sizeof name, "(%s)", region->kind == FLASH_FREE ? "free" : label);
    printf("0x%06x  %-8s %-16s ", (unsigned)region->offset, cli_size(region->size, size), name);
    print_content(region);
    if (region->recorded)
        printf(", %s", otadata_state_name(region->state));
    if (region->boots)
        fputs(", boots", stdout);
    puts(region->encrypted ? ", encrypted" : "");
}

static json_t *app_json(const struct image_app_desc *app)
{
    return json_pack("{s:o, s:o, s:I}", "project", cli_json_text(app->project_name), "version",
                     cli_json_text(app->version), "secure_version",
                     (json_int_t)app->secure_version);
}

static json_t *region_json(const struct flash_region *region)
{
    json_t *object =
        json_pack("{s:I, s:I, s:s, s:o, s:b}", "offset", (json_int_t)region->offset, "size",
                  (json_int_t)region->size, "kind", flash_kind_name(region->kind), "label",
                  region->partition ? cli_json_text(region->label) : json_null(), "encrypted",
                  region->encrypted);
    if (region->partition) {
        json_object_set_new(object, "type", json_integer(region->partition->type));
        json_object_set_new(object, "subtype", json_integer(region->partition->subtype));
    }
    if (region->content == FLASH_PLANNED)
        return object;
    json_object_set_new(object, "content", json_string(flash_content_name(region->content)));
    json_object_set_new(object, "used", json_integer(region->used));
    if (region->image_length > 0)
        json_object_set_new(object, "image_length", json_integer(region->image_length));
    if (region->kind == FLASH_APP) {
        if (region->described)
            json_object_set_new(object, "app", app_json(&region->app));
        json_object_set_new(object, "state",
                            region->recorded ? json_string(otadata_state_name(region->state))
                                             : json_null());
        json_object_set_new(object, "boots", json_boolean(region->boots));
    }
    return object;
}

static int print_json(const struct flash_layout *layout)
{
    json_t *regions = json_array();
    for (size_t i = 0; i < layout->count; i++)
        json_array_append_new(regions, region_json(&layout->region[i]));
    return cli_json_print(json_pack(
        "{s:I, s:I, s:b, s:o}", "flash_size", (json_int_t)layout->flash_size, "table_offset",
        (json_int_t)layout->table_offset, "encrypted", layout->encrypted, "regions", regions));
}

static int draw(const char *path, const struct flash_layout *layout)
{
    char *svg = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&svg, &length);
    if (!out)
        return host_fail(path, "out of memory");
    flash_svg_draw(layout, out);
    bool complete = fclose(out) == 0;
    int status = complete ? file_write(path, svg, length, 0644) : host_fail(path, "out of memory");
    free(svg);
    return status;
}

static int show(const struct map_options *options, const struct flash_layout *layout)
{
    if (options->svg)
        return draw(options->svg, layout);
    if (options->json)
        return print_json(layout);
    for (size_t i = 0; i < layout->count; i++)
        print_region(&layout->region[i]);
    return HOST_DONE;
}

/* A table is a sector at most when it is binary, and has no zero byte when it is CSV; a dump is
 * longer and full of them, or of 0xFF. */
static bool is_table(const struct map_options *options, const struct buffer *file)
{
    const struct flash_source *source = &options->source;
    if (source->key || source->efuse || source->offset_given)
        return false;
    return file->length <= PARTITION_TABLE_SECTOR ||
           (!memchr(file->bytes, 0, file->length) && !memchr(file->bytes, 0xFF, file->length));
}

static int map_table(const struct map_options *options, const struct buffer *file)
{
    struct partition_table table;
    struct flash_layout layout;
    uint32_t limit = options->size ? options->size : FLASH_DUMP_MAX;
    if (table_parse(file_input_name(options->source.path), file, limit, &table) != HOST_DONE)
        return HOST_FAILED;
    flash_layout_of_table(&table, options->size, &layout);
    return show(options, &layout);
}

static int map_dump(const struct map_options *options, struct buffer *file)
{
    struct flash_dump dump;
    struct flash_layout layout;
    if (options->size)
        return host_usage("flash map", "--size is for a table (a dump has its own)");
    int status = flash_dump_take(&options->source, file, &dump);
    if (status == HOST_DONE)
        status = flash_layout_of_dump(&dump, &layout);
    if (status == HOST_DONE)
        status = show(options, &layout);
    flash_dump_close(&dump);
    return status;
}

int flash_map(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        FLASH_SOURCE_OPTIONS,
        {"svg", OPTION_SVG, "FILE", 0, "draw a picture", 0},
        {"json", OPTION_JSON, NULL, 0, "print JSON", 0},
        {"size", OPTION_SIZE, "SIZE", 0, "a table: of which flash chip, e.g. 4MB", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_map,
        "DUMP|TABLE",
        "Say what is where in a flash dump: which images, how full each slot, which one boots. Of "
        "a partition table (CSV or binary), what will be where.",
        NULL,
        NULL,
        NULL};
    struct map_options options = {0};
    struct buffer file;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE && options.svg && options.json)
        status = host_usage("flash map", "--svg or --json, one at a time");
    if (status != HOST_DONE)
        return status;
    if (file_read(options.source.path, FLASH_DUMP_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    status = is_table(&options, &file) ? map_table(&options, &file) : map_dump(&options, &file);
    buffer_free_secret(&file);
    return status;
}
