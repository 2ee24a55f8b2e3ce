#include "tool/flash_layout.h"

#include <string.h>

#include "chain/error.h"
#include "chain/otadata.h"
#include "chain/verify.h"
#include "device/boot/slots.h"
#include "host/crypto.h"
#include "host/error.h"
#include "tool/inputs.h"

#define SECTOR_BYTES   4096u
#define FLASH_SIZE_MIN (1u << 20)

static const char *const kind_names[FLASH_KINDS] = {
    [FLASH_BOOTLOADER] = "bootloader",
    [FLASH_TABLE] = "partition table",
    [FLASH_OTADATA] = "otadata",
    [FLASH_APP] = "app",
    [FLASH_NVS] = "nvs",
    [FLASH_NVS_KEYS] = "nvs_keys",
    [FLASH_DATA] = "data",
    [FLASH_FREE] = "free",
};

const char *flash_kind_name(enum flash_kind kind)
{
    return kind_names[kind];
}

const char *flash_content_name(enum flash_content content)
{
    static const char *const names[] = {
        [FLASH_PLANNED] = "planned", [FLASH_EMPTY] = "empty",     [FLASH_FILLED] = "data",
        [FLASH_IMAGE] = "image",     [FLASH_DAMAGED] = "damaged",
    };
    return names[content];
}

static enum flash_kind kind_of(const struct partition *partition)
{
    switch (partition->type) {
    case PARTITION_APP:
        return FLASH_APP;
    case PARTITION_BOOTLOADER:
        return FLASH_BOOTLOADER;
    case PARTITION_PARTITION_TABLE:
        return FLASH_TABLE;
    case PARTITION_DATA:
        break;
    default:
        return FLASH_DATA;
    }
    if (partition->subtype == PARTITION_DATA_OTA)
        return FLASH_OTADATA;
    if (partition->subtype == PARTITION_DATA_NVS)
        return FLASH_NVS;
    return partition->subtype == PARTITION_DATA_NVS_KEYS ? FLASH_NVS_KEYS : FLASH_DATA;
}

static struct flash_region *add_region(struct flash_layout *layout, enum flash_kind kind,
                                       const char *label, uint32_t offset, uint32_t size)
{
    struct flash_region *region = &layout->region[layout->count++];
    *region = (struct flash_region){.kind = kind, .offset = offset, .size = size};
    memcpy(region->label, label, strlen(label));
    return region;
}

/* The first entry that begins at or after `from`; NULL when none does. */
static const struct partition *next_entry(const struct partition_table *table, uint32_t from)
{
    const struct partition *next = NULL;
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *entry = &table->entry[i];
        if (entry->offset >= from && (!next || entry->offset < next->offset))
            next = entry;
    }
    return next;
}

/* Entries for the primary bootloader and table repeat what the layout has anyway. */
static void lay_out(struct flash_layout *layout, const struct partition_table *table)
{
    uint32_t at = layout->table_offset + PARTITION_TABLE_SECTOR;
    layout->count = 0;
    if (layout->table_offset > 0)
        add_region(layout, FLASH_BOOTLOADER, "bootloader", 0, layout->table_offset);
    add_region(layout, FLASH_TABLE, "partition table", layout->table_offset,
               PARTITION_TABLE_SECTOR);
    for (const struct partition *entry; (entry = next_entry(table, at));) {
        if (entry->offset > at)
            add_region(layout, FLASH_FREE, "", at, entry->offset - at);
        add_region(layout, kind_of(entry), entry->label, entry->offset, entry->size)->partition =
            entry;
        at = entry->offset + entry->size;
    }
    if (at < layout->flash_size)
        add_region(layout, FLASH_FREE, "", at, layout->flash_size - at);
}

static uint32_t sectors_in_use(const struct buffer *content)
{
    uint32_t used = 0;
    for (size_t at = 0; at < content->length; at += SECTOR_BYTES) {
        size_t end = content->length - at < SECTOR_BYTES ? content->length : at + SECTOR_BYTES;
        size_t i = at;
        while (i < end && content->bytes[i] == 0xFF)
            i++;
        if (i < end)
            used += (uint32_t)(end - at);
    }
    return used;
}

/* Would a device start it, were it signed as that device wants it? */
static bool is_sound(const struct flash_region *region, const struct buffer *content,
                     const struct image *image)
{
    int reason;
    const struct verify_policy policy = {
        .kind = region->kind == FLASH_APP ? IMAGE_APP : IMAGE_BOOTLOADER,
        .chip_rev = image->min_rev_full,
        .own_mmu_page = true,
    };
    return verify_image(content->bytes, content->length, &policy, &host_crypto, NULL, NULL,
                        &reason) == SIGBLOCK_TRUSTED;
}

static void examine_image(struct flash_region *region, const struct buffer *content,
                          const struct image *image)
{
    const uint8_t *sector = image_signature_sector(image, content->bytes, content->length);
    bool is_signed = sector && sigblock_sector_count(sector) > 0;
    region->image_length = image->length;
    region->used = is_signed ? image->signed_length + SIGBLOCK_SECTOR_BYTES : image->length;
    region->described =
        image_app_desc_read(content->bytes, content->length, &region->app) == CHAIN_OK;
    region->content = is_sound(region, content, image) ? FLASH_IMAGE : FLASH_DAMAGED;
}

/* A bootloader and apps as the device reads them, so that a torn image is seen as torn; the rest
 * with what was never written left erased. */
struct flash_view flash_region_view(const struct flash_region *region)
{
    return (struct flash_view){.decrypt = region->encrypted,
                               .erased_stays = region->image_length == 0};
}

static int examine(const struct flash_dump *dump, struct flash_region *region)
{
    struct buffer content;
    struct image image;
    bool may_be_image = region->kind == FLASH_APP || region->kind == FLASH_BOOTLOADER;
    region->encrypted = dump->encrypted && region->kind != FLASH_FREE &&
                        (region->partition ? flash_is_decrypted(region->partition) : true);
    struct flash_view view = {.decrypt = region->encrypted, .erased_stays = !may_be_image};
    if (flash_dump_region(dump, region->offset, region->size, view, &content) != HOST_DONE)
        return HOST_FAILED;
    if (may_be_image && image_parse(content.bytes, content.length, &image) == CHAIN_OK) {
        examine_image(region, &content, &image);
    } else {
        buffer_free_secret(&content);
        view.erased_stays = true;
        if (flash_dump_region(dump, region->offset, region->size, view, &content) != HOST_DONE)
            return HOST_FAILED;
        region->used = sectors_in_use(&content);
        region->content = region->used > 0 ? FLASH_FILLED : FLASH_EMPTY;
    }
    buffer_free_secret(&content);
    return HOST_DONE;
}

/* The records as the bootloader leaves them when it chooses (formats.md 4). */
static void step_records(struct otadata *ota, uint8_t record[2][OTADATA_RECORD_BYTES],
                         unsigned slots)
{
    bool trial = false;
    otadata_parse(record[0], record[1], ota);
    for (int i = 0; slots > 0 && i < OTADATA_BOOT_STEPS_MAX; i++) {
        struct otadata_write write = otadata_boot_step(ota, slots, &trial);
        if (write.index < 0)
            return;
        memcpy(record[write.index], write.bytes, OTADATA_RECORD_BYTES);
        otadata_parse(record[0], record[1], ota);
    }
}

static int read_records(const struct flash_dump *dump, const struct partition *partition,
                        uint8_t record[2][OTADATA_RECORD_BYTES])
{
    for (uint32_t i = 0; i < 2; i++) {
        struct buffer bytes;
        if (flash_dump_region(dump, partition->offset + i * OTADATA_SECTOR_BYTES,
                              OTADATA_RECORD_BYTES, (struct flash_view){.decrypt = true},
                              &bytes) != HOST_DONE)
            return HOST_FAILED;
        memcpy(record[i], bytes.bytes, OTADATA_RECORD_BYTES);
        buffer_free_secret(&bytes);
    }
    return HOST_DONE;
}

static void mark_states(struct flash_layout *layout, const struct otadata *ota, unsigned slots)
{
    for (size_t i = 0; i < layout->count; i++) {
        struct flash_region *region = &layout->region[i];
        unsigned slot =
            region->partition ? (unsigned)region->partition->subtype - PARTITION_APP_OTA_0 : slots;
        region->recorded = region->kind == FLASH_APP && slot < slots &&
                           otadata_slot_state(ota, slots, slot, &region->state);
    }
}

static void mark_boot(struct flash_layout *layout, const struct boot_order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        for (size_t k = 0; k < layout->count; k++) {
            struct flash_region *region = &layout->region[k];
            if (region->partition == order->partition[i] && region->content == FLASH_IMAGE) {
                region->boots = true;
                return;
            }
        }
    }
}

/* Which slot boots, and what is recorded about each. */
static int examine_otadata(const struct flash_dump *dump, struct flash_layout *layout)
{
    uint8_t record[2][OTADATA_RECORD_BYTES];
    struct otadata ota;
    struct boot_order order;
    const unsigned slots = boot_slots(&dump->table);
    const struct partition *partition =
        partition_find(&dump->table, PARTITION_DATA, PARTITION_DATA_OTA);
    if (partition && partition->size < 2 * OTADATA_SECTOR_BYTES)
        partition = NULL;
    if (partition) {
        if (read_records(dump, partition, record) != HOST_DONE)
            return HOST_FAILED;
        otadata_parse(record[0], record[1], &ota);
        mark_states(layout, &ota, slots);
        step_records(&ota, record, slots);
    }
    boot_order(&dump->table, partition ? &ota : NULL, &order);
    mark_boot(layout, &order);
    return HOST_DONE;
}

int flash_layout_of_dump(const struct flash_dump *dump, struct flash_layout *layout)
{
    *layout = (struct flash_layout){.flash_size = (uint32_t)dump->raw.length,
                                    .table_offset = dump->table_offset,
                                    .dumped = true,
                                    .encrypted = dump->encrypted};
    lay_out(layout, &dump->table);
    for (size_t i = 0; i < layout->count; i++) {
        if (examine(dump, &layout->region[i]) != HOST_DONE)
            return HOST_FAILED;
    }
    return examine_otadata(dump, layout);
}

void flash_layout_of_table(const struct partition_table *table, uint32_t flash_size,
                           struct flash_layout *layout)
{
    uint32_t end = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *entry = &table->entry[i];
        if (entry->offset + entry->size > end)
            end = entry->offset + entry->size;
    }
    if (flash_size == 0) {
        for (flash_size = FLASH_SIZE_MIN; flash_size < end; flash_size *= 2)
            ;
    }
    *layout =
        (struct flash_layout){.flash_size = flash_size, .table_offset = PARTITION_TABLE_OFFSET};
    lay_out(layout, table);
    for (size_t i = 0; i < layout->count; i++) {
        const struct partition *partition = layout->region[i].partition;
        layout->region[i].encrypted = partition && (partition->flags & PARTITION_ENCRYPTED);
    }
}
