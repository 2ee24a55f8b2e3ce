#include "tool/flash_svg.h"

#include <string.h>

#include "chain/otadata.h"
#include "host/escape.h"
#include "tool/cli.h"
#include "tool/otadata_names.h"

/* The picture in pixels. */
#define WIDTH          960
#define TOP            84 /* under the heading */
#define STRIP_LEFT     90
#define STRIP_WIDTH    44
#define STRIP_GAP      6 /* a piece this high is set off from the one above */
#define ROW_LEFT       196
#define ROW_WIDTH      740
#define ROW_GAP        4
#define ROW_HEIGHT     30 /* of 4 KB; each doubling adds a step */
#define ROW_STEP       5
#define TWO_LINES      44 /* a row this high has room for a second line */
#define BAR_WIDTH      16
#define LABEL_X        (ROW_LEFT + 28)
#define CONTENT_X      (ROW_LEFT + 190)
#define PILL_END       (ROW_LEFT + 560)
#define OFFSET_END     (ROW_LEFT + 648)
#define SIZE_END       (ROW_LEFT + 726)
#define LEGEND_STEP    22
#define LEGEND_WIDTH   142
#define LEGEND_COLUMNS 6
#define TICKS          8
#define CONTENT_TEXT   46 /* characters before the pills */

struct picture {
    FILE *out;
    const struct flash_layout *layout;
    int bottom; /* of strip and rows */
};

static const char *const kind_class[FLASH_KINDS] = {
    [FLASH_BOOTLOADER] = "boot", [FLASH_TABLE] = "table", [FLASH_OTADATA] = "ota",
    [FLASH_APP] = "app",         [FLASH_NVS] = "nvs",     [FLASH_NVS_KEYS] = "keys",
    [FLASH_DATA] = "data",       [FLASH_FREE] = "free",
};

static const char style[] =
    "<style>\n"
    "text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #1b2330; }\n"
    ".mono { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; }\n"
    ".label { font-size: 14px; font-weight: 600; }\n"
    ".title { font-size: 20px; font-weight: 600; }\n"
    ".dim { fill: #5b6676; font-size: 12px; }\n"
    ".end { text-anchor: end; }\n"
    ".page { fill: #ffffff; }\n"
    ".tick { stroke: #b4bdca; }\n"
    ".gap { stroke: #ffffff; }\n"
    ".frame { fill: none; stroke: #8b95a5; }\n"
    ".hatch { stroke: #ffffff; stroke-opacity: .55; stroke-width: 2.5; }\n"
    ".tint { fill-opacity: .13; }\n"
    ".used { fill-opacity: .24; }\n"
    ".link { fill-opacity: .16; }\n"
    ".boot { fill: #7a57d1; }\n"
    ".table { fill: #5d6b82; }\n"
    ".ota { fill: #c77d0a; }\n"
    ".app { fill: #2272d8; }\n"
    ".nvs { fill: #24915f; }\n"
    ".keys { fill: #d03a6c; }\n"
    ".data { fill: #0f8fa6; }\n"
    ".free { fill: #c9d0da; }\n"
    ".pill { fill: #5b6676; }\n"
    ".good { fill: #1e8a52; }\n"
    ".bad { fill: #c4312f; }\n"
    ".pill-text { fill: #ffffff; font-size: 11px; font-weight: 600; text-anchor: middle; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "text { fill: #e6eaf1; }\n"
    ".dim { fill: #a2adbd; }\n"
    ".page { fill: #12161d; }\n"
    ".tick { stroke: #4a5464; }\n"
    ".gap { stroke: #12161d; }\n"
    ".frame { stroke: #6d788a; }\n"
    ".hatch { stroke: #12161d; }\n"
    ".tint { fill-opacity: .2; }\n"
    ".used { fill-opacity: .34; }\n"
    ".link { fill-opacity: .22; }\n"
    ".boot { fill: #9d80ec; }\n"
    ".table { fill: #8a99b2; }\n"
    ".ota { fill: #e0a03c; }\n"
    ".app { fill: #5499ee; }\n"
    ".nvs { fill: #45b983; }\n"
    ".keys { fill: #ec6a95; }\n"
    ".data { fill: #3cb6cc; }\n"
    ".free { fill: #4a5464; }\n"
    ".pill { fill: #6d788a; }\n"
    ".good { fill: #1f8f56; }\n"
    ".bad { fill: #cf4240; }\n"
    ".pill-text { fill: #ffffff; }\n"
    "}\n"
    "</style>\n"
    "<defs><pattern id=\"hatch\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" "
    "patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M2 0V8\"/></pattern></defs>\n";

static void put_line(FILE *out, int x, int y, const char *classes, const char *text)
{
    fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, classes);
    escape_markup(text, out);
    fputs("</text>\n", out);
}

static void put_box(FILE *out, int x, int y, int width, int height, const char *classes)
{
    fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"%s\"/>\n", x, y, width,
            height, classes);
}

static void put_hatch(FILE *out, int x, int y, int width, int height)
{
    fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"url(#hatch)\"/>\n", x,
            y, width, height);
}

static int row_height(const struct flash_region *region)
{
    int height = ROW_HEIGHT;
    for (uint32_t size = region->size; size > 4096; size /= 2)
        height += ROW_STEP;
    return height;
}

/* Where an offset lies on the scale. */
static int scale_y(const struct picture *picture, uint32_t offset)
{
    uint64_t height = (uint64_t)(picture->bottom - TOP);
    return TOP + (int)(height * offset / picture->layout->flash_size);
}

static const char *region_name(const struct flash_region *region)
{
    return region->kind == FLASH_FREE ? "free" : region->label;
}

/* 14 for 14 %; what is used but little is not 0. */
static unsigned used_percent(const struct flash_region *region)
{
    unsigned percent = (unsigned)((uint64_t)region->used * 100 / region->size);
    return percent == 0 && region->used > 0 ? 1 : percent;
}

/* What is in a region, in a few words. */
static void describe(const struct flash_region *region, char *out, size_t size)
{
    const char *damaged = region->content == FLASH_DAMAGED ? "damaged: " : "";
    switch (region->content) {
    case FLASH_PLANNED:
        snprintf(out, size, "%s", region->partition ? flash_kind_name(region->kind) : "");
        break;
    case FLASH_EMPTY:
        snprintf(out, size, "%s", region->kind == FLASH_FREE ? "" : "empty");
        break;
    case FLASH_FILLED:
        snprintf(out, size, "%s", region->kind == FLASH_FREE ? "data in no partition" : "data");
        break;
    case FLASH_IMAGE:
    case FLASH_DAMAGED:
        if (region->kind == FLASH_APP && region->described)
            snprintf(out, size, "%s%s %s", damaged, region->app.project_name, region->app.version);
        else
            snprintf(out, size, "%s%s", damaged,
                     region->kind == FLASH_APP ? "application" : "bootloader image");
        break;
    }
}

static void describe_use(const struct flash_region *region, char *out, size_t size)
{
    *out = '\0';
    if (region->used > 0)
        snprintf(out, size, "%u bytes, %u %% full", (unsigned)region->used, used_percent(region));
}

/* Ends at `end`; returns where the next one to its left may end. */
static int put_pill(FILE *out, int end, int middle, const char *classes, const char *text)
{
    int width = 16 + 8 * (int)strlen(text);
    fprintf(out,
            "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"18\" rx=\"9\" class=\"%s\"/>"
            "<text x=\"%d\" y=\"%d\" class=\"pill-text\">%s</text>\n",
            end - width, middle - 9, width, classes, end - width / 2, middle + 4, text);
    return end - width - 6;
}

static void put_pills(FILE *out, const struct flash_region *region, int middle)
{
    int end = PILL_END;
    if (region->boots)
        end = put_pill(out, end, middle, "good", "boots");
    if (region->content == FLASH_DAMAGED)
        end = put_pill(out, end, middle, "bad", "damaged");
    if (region->recorded) {
        bool bad = region->state == OTADATA_INVALID || region->state == OTADATA_ABORTED;
        (void)put_pill(out, end, middle, bad ? "bad" : "pill", otadata_state_name(region->state));
    }
}

/* A band from the region's place on the scale to its row. */
static void put_link(const struct picture *picture, const struct flash_region *region, int y,
                     int height)
{
    const int left = STRIP_LEFT + STRIP_WIDTH, middle = (left + ROW_LEFT) / 2;
    const int from = scale_y(picture, region->offset);
    const int to = scale_y(picture, region->offset + region->size);
    fprintf(picture->out,
            "<path class=\"link %s\" d=\"M%d %dC%d %d %d %d %d %dV%dC%d %d %d %d %d %dZ\"/>\n",
            kind_class[region->kind], left, from, middle, from, middle, y, ROW_LEFT, y, y + height,
            middle, y + height, middle, to, left, to);
}

/* What a viewer shows on hovering, and what a screen reader says. */
static void put_tooltip(FILE *out, const struct flash_region *region)
{
    char content[128], use[64];
    describe(region, content, sizeof content);
    describe_use(region, use, sizeof use);
    fputs("<title>", out);
    escape_markup(region_name(region), out);
    fprintf(out, ": 0x%x to 0x%x", (unsigned)region->offset,
            (unsigned)(region->offset + region->size - 1));
    const char *const facts[] = {
        content, use, region->recorded ? otadata_state_name(region->state) : "",
        region->boots ? "boots" : "", region->encrypted ? "encrypted" : ""};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (*facts[i]) {
            fputs(", ", out);
            escape_markup(facts[i], out);
        }
    }
    fputs("</title>\n", out);
}

static void put_row_text(FILE *out, const struct flash_region *region, int y, int height)
{
    char content[128], use[64], size[CLI_SIZE_TEXT], offset[16];
    const bool two = height >= TWO_LINES && region->used > 0;
    const int middle = y + height / 2;
    describe(region, content, sizeof content);
    describe_use(region, use, sizeof use);
    if (strlen(content) > CONTENT_TEXT)
        memcpy(content + CONTENT_TEXT - 3, "...", 4);
    snprintf(offset, sizeof offset, "0x%06x", (unsigned)region->offset);
    put_line(out, LABEL_X, middle + 5, "label mono", region_name(region));
    put_line(out, CONTENT_X, two ? middle - 4 : middle + 5, "content", content);
    if (two)
        put_line(out, CONTENT_X, middle + 14, "dim", use);
    put_pills(out, region, middle);
    put_line(out, OFFSET_END, middle + 5, "dim mono end", offset);
    put_line(out, SIZE_END, middle + 5, "mono end", cli_size(region->size, size));
}

static void put_row(const struct picture *picture, const struct flash_region *region, int y)
{
    FILE *out = picture->out;
    const int height = row_height(region);
    char classes[32];
    fputs("<g>\n", out);
    put_tooltip(out, region);
    put_link(picture, region, y, height);
    snprintf(classes, sizeof classes, "tint %s", kind_class[region->kind]);
    put_box(out, ROW_LEFT, y, ROW_WIDTH, height, classes);
    if (region->used > 0 && region->kind != FLASH_FREE) {
        int full = (int)((uint64_t)(ROW_WIDTH - BAR_WIDTH) * region->used / region->size);
        snprintf(classes, sizeof classes, "used %s", kind_class[region->kind]);
        put_box(out, ROW_LEFT + BAR_WIDTH, y, full, height, classes);
    }
    put_box(out, ROW_LEFT, y, BAR_WIDTH, height, kind_class[region->kind]);
    if (region->encrypted)
        put_hatch(out, ROW_LEFT, y, BAR_WIDTH, height);
    put_row_text(out, region, y, height);
    fputs("</g>\n", out);
}

static void put_strip(const struct picture *picture)
{
    const struct flash_layout *layout = picture->layout;
    FILE *out = picture->out;
    for (size_t i = 0; i < layout->count; i++) {
        const struct flash_region *region = &layout->region[i];
        int y = scale_y(picture, region->offset);
        int height = scale_y(picture, region->offset + region->size) - y;
        put_box(out, STRIP_LEFT, y, STRIP_WIDTH, height, kind_class[region->kind]);
        if (region->encrypted)
            put_hatch(out, STRIP_LEFT, y, STRIP_WIDTH, height);
        if (height >= STRIP_GAP) /* else nothing would be left of it */
            fprintf(out, "<path class=\"gap\" d=\"M%d %dh%d\"/>\n", STRIP_LEFT, y, STRIP_WIDTH);
    }
    put_box(out, STRIP_LEFT, TOP, STRIP_WIDTH, picture->bottom - TOP, "frame");
    for (uint32_t i = 0; i <= TICKS; i++) {
        uint32_t offset = (uint32_t)((uint64_t)layout->flash_size * i / TICKS);
        int y = scale_y(picture, offset);
        char text[16];
        fprintf(out, "<path class=\"tick\" d=\"M%d %dh6\"/>\n", STRIP_LEFT - 8, y);
        snprintf(text, sizeof text, "0x%06x", (unsigned)offset);
        put_line(out, STRIP_LEFT - 13, y + 4, "dim mono end", text);
    }
}

static const struct flash_region *booting(const struct flash_layout *layout)
{
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->region[i].boots)
            return &layout->region[i];
    }
    return NULL;
}

static void put_summary(FILE *out, const struct flash_layout *layout)
{
    const struct flash_region *boots = booting(layout);
    const unsigned megabytes = layout->flash_size >> 20;
    if (megabytes << 20 == layout->flash_size)
        fprintf(out, "%u MB", megabytes);
    else
        fprintf(out, "%u bytes", (unsigned)layout->flash_size);
    fprintf(out, " of flash, partition table at 0x%x", (unsigned)layout->table_offset);
    if (!layout->dumped)
        return;
    fputs(layout->encrypted ? ", encrypted, " : ", not encrypted, ", out);
    if (!boots) {
        fputs("nothing boots", out);
        return;
    }
    fputs("boots ", out);
    escape_markup(boots->label, out);
    if (boots->described)
        escape_markup(" with version ", out);
    escape_markup(boots->app.version, out);
}

static void put_heading(const struct picture *picture, int height)
{
    const char *title = picture->layout->dumped ? "Flash map" : "Flash plan";
    FILE *out = picture->out;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" role=\"img\" aria-labelledby=\"title summary\">\n"
            "<title id=\"title\">%s</title>\n<desc id=\"summary\">",
            WIDTH, height, WIDTH, height, title);
    put_summary(out, picture->layout);
    fputs("</desc>\n", out);
    fputs(style, out);
    put_box(out, 0, 0, WIDTH, height, "page");
    put_line(out, 24, 36, "title", title);
    fputs("<text x=\"24\" y=\"58\" class=\"dim\">", out);
    put_summary(out, picture->layout);
    fputs("</text>\n", out);
}

/* What a colour or a pattern stands for. */
struct legend {
    const char *text;
    const char *classes;
    const char *over; /* drawn upon it; NULL */
    bool hatched;
};

/* Every kind of region that occurs, and what a darker row and hatching mean. */
static int legend_of(const struct flash_layout *layout, struct legend legend[FLASH_KINDS + 2])
{
    bool present[FLASH_KINDS] = {false};
    bool used = false, encrypted = false;
    int count = 0;
    for (size_t i = 0; i < layout->count; i++) {
        present[layout->region[i].kind] = true;
        used = used || layout->region[i].used > 0;
        encrypted = encrypted || layout->region[i].encrypted;
    }
    for (int kind = 0; kind < FLASH_KINDS; kind++) {
        if (present[kind])
            legend[count++] = (struct legend){.text = flash_kind_name((enum flash_kind)kind),
                                              .classes = kind_class[kind]};
    }
    if (used)
        legend[count++] =
            (struct legend){.text = "in use", .classes = "tint table", .over = "used table"};
    if (encrypted)
        legend[count++] =
            (struct legend){.text = layout->dumped ? "encrypted" : "flagged encrypted",
                            .classes = "table",
                            .hatched = true};
    return count;
}

static void put_legend(const struct picture *picture, const struct legend *legend, int count)
{
    for (int i = 0; i < count; i++) {
        const int x = STRIP_LEFT + i % LEGEND_COLUMNS * LEGEND_WIDTH;
        const int y = picture->bottom + 24 + i / LEGEND_COLUMNS * LEGEND_STEP;
        put_box(picture->out, x, y, 18, 12, legend[i].classes);
        if (legend[i].over)
            put_box(picture->out, x, y, 9, 12, legend[i].over);
        if (legend[i].hatched)
            put_hatch(picture->out, x, y, 18, 12);
        put_line(picture->out, x + 26, y + 11, "dim", legend[i].text);
    }
}

void flash_svg_draw(const struct flash_layout *layout, FILE *out)
{
    struct picture picture = {.out = out, .layout = layout, .bottom = TOP - ROW_GAP};
    struct legend legend[FLASH_KINDS + 2];
    for (size_t i = 0; i < layout->count; i++)
        picture.bottom += row_height(&layout->region[i]) + ROW_GAP;
    const int entries = legend_of(layout, legend);
    const int lines = (entries + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS;
    put_heading(&picture, picture.bottom + 36 + lines * LEGEND_STEP);
    int y = TOP;
    for (size_t i = 0; i < layout->count; i++) {
        put_row(&picture, &layout->region[i], y);
        y += row_height(&layout->region[i]) + ROW_GAP;
    }
    put_strip(&picture);
    put_legend(&picture, legend, entries);
    fputs("</svg>\n", out);
}
