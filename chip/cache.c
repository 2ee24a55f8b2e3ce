/* chip/cache.c: the flash window: MMU (on SPI0) and cache controller (EXTMEM) (soc.md 4).
 *
 * The core reads the window through host pages. A page is filled when first touched, decrypted if
 * its MMU entry says so and the chip is in a state to decrypt, and dropped when anything it was
 * made from changes: the entry, the flash under it, the page size, the eFuse shadow, the boot-mode
 * gates. So the window is always coherent: software that forgets to invalidate after a flash write
 * runs correctly here, and may not on silicon.
 *
 * When decryption is on and no key block holds an XTS key, the key is zero.
 */
#include "chain/reg/cache.h"

#include <stdlib.h>
#include <string.h>

#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "chain/reg/spimem.h"
#include "chain/soc.h"
#include "chip/flash.h"
#include "chip/peripherals.h"
#include "host/crypto.h"

#define MMU_BASE         (SOC_SPI0 + MMU_ITEM_CONTENT)
#define MMU_CONTENT_MASK (MMU_PAGE_MASK | MMU_VALID | MMU_SENSITIVE)
#define MMU_POWER_RESET  0x13200004u /* AUX_CTRL 0x1320, MEM_FORCE_PU */
#define MMU_POWER_MASK   0x1Fu
#define MMU_DPA_CTRL     0x388 /* power-analysis countermeasures: stored, no effect here */
#define MMU_DPA_MASK     0x1Fu
#define MMU_PAGE_MAX     0x10000u

/* eFuses that only matter here (efuse.md 2). */
#define EFUSE_DIS_ICACHE            0, 40, 1
#define EFUSE_SPI_DOWNLOAD_MSPI_DIS 0, 45, 1

#define SYNC_REQUESTS      0xFu
#define FAIL_INT           (1u << 4)
#define CACHE_FAIL_INT_ENA 0x168
#define CACHE_FAIL_INT_CLR 0x16C
#define CACHE_FAIL_INT_ST  0x174

/* The MMU and the host pages behind the window. */
struct mmu {
    uint32_t entries[SOC_MMU_ENTRIES];
    uint32_t index, power, dpa;
    uint8_t *pages[SOC_MMU_ENTRIES]; /* MMU_PAGE_MAX bytes each once allocated */
    bool filled[SOC_MMU_ENTRIES];
    bool missing_key_noted;
};

static const struct stored_register extmem_registers[] = {
    {CACHE_L1_CTRL, 0, 0xF03},
    {CACHE_FREEZE_CTRL, 0, 0x30000},
    {CACHE_SYNC_CTRL, 0, 0},
    {CACHE_SYNC_MAP, 0x3F, 0x3F},
    {CACHE_SYNC_ADDR, 0, 0xFFFFFFFF},
    {CACHE_SYNC_SIZE, 0, 0x00FFFFFF},
    {0x0D8, 0x2, 0x4},   /* PRELOAD_CTRL: done at once */
    {0x134, 0x2, 0x31D}, /* AUTOLOAD_CTRL */
    {CACHE_FAIL_INT_ENA, 0, FAIL_INT},
    {CACHE_FAIL_INT_RAW, 0, 0},
    {0x21C, 0, 0}, /* ACS_FAIL_ID_ATTR */
    {CACHE_FAIL_ADDR, 0, 0},
    {0x224, 0, 0x2850}, /* SYNC_PRELOAD_INT_ENA: these interrupts never fire */
    {0x228, 0, 0},      /* SYNC_PRELOAD_INT_CLR */
    {0x22C, 0, 0},      /* SYNC_PRELOAD_INT_RAW */
    {0x230, 0, 0},      /* SYNC_PRELOAD_INT_ST */
};
static const struct stored_table extmem_table = STORED_TABLE(extmem_registers);

struct extmem {
    uint32_t stored[sizeof(extmem_registers) / sizeof(extmem_registers[0])];
};

static struct mmu *mmu_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_mmu);
}

static uint32_t *extmem_word(const struct chip *chip, uint32_t offset)
{
    struct extmem *extmem = chip_state(chip, &peripheral_extmem);
    return stored_word(&extmem_table, extmem->stored, offset);
}

static uint32_t page_bytes_of(const struct mmu *mmu)
{
    return MMU_PAGE_MAX >> ((mmu->power >> 3) & 3);
}

/* Where the entry's page lies in flash; the part ignores address bits above its size. */
static uint32_t flash_offset_of(const struct chip *chip, const struct mmu *mmu, unsigned entry)
{
    uint64_t offset = (uint64_t)(mmu->entries[entry] & MMU_PAGE_MASK) * page_bytes_of(mmu);
    return (uint32_t)(offset & (chip_flash(chip)->size - 1));
}

/* --- decryption ----------------------------------------------------------------------------- */

/* flash-encryption.md 5: always in SPI boot; in download boot only if software opened the gate and
 * the eFuses leave the cache on. */
static bool decrypting(const struct chip *chip)
{
    const struct efuse *efuse = efuse_shadow(chip);
    if (!efuse_flash_encryption(efuse))
        return false;
    return !boot_is_download(chip) || (encrypt_gates(chip) & HP_SYSTEM_DOWNLOAD_G0CB_DECRYPT) != 0;
}

static void decrypt_page(struct chip *chip, uint32_t offset, uint8_t *page, uint32_t length)
{
    struct mmu *mmu = mmu_of(chip);
    uint8_t key[XTS_KEY_BYTES] = {0};
    if (efuse_xts_key(efuse_shadow(chip), key) != CHAIN_OK && !mmu->missing_key_noted) {
        mmu->missing_key_noted = true;
        chip_note(chip, "flash encryption is on but no eFuse block holds its key: key is zero");
    }
    if (flashcrypt_decrypt(&host_crypto, key, offset, page, page, length) != CHAIN_OK) {
        chip_note(chip, "flash page at 0x%06x could not be decrypted", offset);
        memset(page, 0, length);
    }
    explicit_bzero(key, sizeof(key));
}

static bool fill(struct chip *chip, unsigned entry)
{
    struct mmu *mmu = mmu_of(chip);
    if (mmu->pages[entry] == NULL)
        mmu->pages[entry] = malloc(MMU_PAGE_MAX);
    if (mmu->pages[entry] == NULL)
        return false;
    uint32_t offset = flash_offset_of(chip, mmu, entry);
    uint32_t length = page_bytes_of(mmu);
    memcpy(mmu->pages[entry], chip_flash(chip)->bytes + offset, length);
    if ((mmu->entries[entry] & MMU_SENSITIVE) && decrypting(chip))
        decrypt_page(chip, offset, mmu->pages[entry], length);
    mmu->filled[entry] = true;
    return true;
}

/* --- what the core asks --------------------------------------------------------------------- */

static void update_interrupt(struct chip *chip)
{
    uint32_t status =
        *extmem_word(chip, CACHE_FAIL_INT_RAW) & *extmem_word(chip, CACHE_FAIL_INT_ENA);
    chip_raise(chip, SOC_SOURCE_CACHE, status != 0);
}

void chip_flash_failed(struct chip *chip, uint32_t address)
{
    *extmem_word(chip, CACHE_FAIL_INT_RAW) = FAIL_INT;
    *extmem_word(chip, CACHE_FAIL_ADDR) = address;
    update_interrupt(chip);
}

static bool cache_on(const struct chip *chip)
{
    uint32_t shut = CACHE_SHUT_IBUS | CACHE_SHUT_DBUS;
    if ((*extmem_word(chip, CACHE_L1_CTRL) & shut) == shut)
        return false;
    const struct efuse *efuse = efuse_shadow(chip);
    if (efuse_bits(efuse, EFUSE_DIS_ICACHE))
        return false;
    return !boot_is_download(chip) || (efuse_bits(efuse, EFUSE_DIS_DOWNLOAD_ICACHE) == 0 &&
                                       efuse_bits(efuse, EFUSE_SPI_DOWNLOAD_MSPI_DIS) == 0);
}

const uint8_t *chip_flash_page(struct chip *chip, uint32_t window_offset, uint32_t *page_bytes)
{
    struct mmu *mmu = mmu_of(chip);
    *page_bytes = page_bytes_of(mmu);
    unsigned entry = (window_offset / *page_bytes) % SOC_MMU_ENTRIES;
    if (!(mmu->entries[entry] & MMU_VALID) || !cache_on(chip))
        return NULL;
    if (!mmu->filled[entry] && !fill(chip, entry))
        return NULL;
    return mmu->pages[entry];
}

/* --- what makes pages stale ----------------------------------------------------------------- */

/* Telling the core costs it all its decoded code: only when it was given the page. */
static bool drop(struct mmu *mmu, unsigned entry)
{
    bool held = mmu->filled[entry];
    mmu->filled[entry] = false;
    return held;
}

void cache_drop_all(struct chip *chip)
{
    bool held = false;
    for (unsigned entry = 0; entry < SOC_MMU_ENTRIES; entry++)
        held |= drop(mmu_of(chip), entry);
    if (held)
        chip_flash_window_changed(chip);
}

void cache_flash_changed(struct chip *chip, uint32_t offset, size_t length)
{
    struct mmu *mmu = mmu_of(chip);
    bool held = false;
    for (unsigned entry = 0; entry < SOC_MMU_ENTRIES; entry++) {
        uint32_t start = flash_offset_of(chip, mmu, entry);
        if (start < offset + length && offset < start + page_bytes_of(mmu))
            held |= drop(mmu, entry);
    }
    if (held)
        chip_flash_window_changed(chip);
}

static void set_entry(struct chip *chip, uint32_t content)
{
    struct mmu *mmu = mmu_of(chip);
    unsigned entry = mmu->index % SOC_MMU_ENTRIES;
    content &= MMU_CONTENT_MASK;
    if (mmu->entries[entry] == content)
        return;
    mmu->entries[entry] = content;
    if (drop(mmu, entry))
        chip_flash_window_changed(chip);
}

/* --- MMU registers -------------------------------------------------------------------------- */

static int mmu_init(struct chip *chip)
{
    return state_new(chip, &peripheral_mmu, sizeof(struct mmu));
}

static void mmu_reset(struct chip *chip, uint32_t cause)
{
    struct mmu *mmu = mmu_of(chip);
    if (reset_is_cpu_only(cause))
        return;
    memset(mmu->entries, 0, sizeof(mmu->entries));
    mmu->index = mmu->dpa = 0;
    mmu->power = MMU_POWER_RESET;
    mmu->missing_key_noted = false;
    cache_drop_all(chip);
}

static void mmu_free(struct chip *chip)
{
    struct mmu *mmu = mmu_of(chip);
    for (unsigned entry = 0; mmu != NULL && entry < SOC_MMU_ENTRIES; entry++)
        free(mmu->pages[entry]);
    state_free(chip, &peripheral_mmu);
}

static bool mmu_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    const struct mmu *mmu = mmu_of(chip);
    switch (offset + MMU_ITEM_CONTENT) {
    case MMU_ITEM_CONTENT:
        *value = mmu->entries[mmu->index % SOC_MMU_ENTRIES];
        return true;
    case MMU_ITEM_INDEX:
        *value = mmu->index;
        return true;
    case MMU_POWER_CTRL:
        *value = mmu->power;
        return true;
    case MMU_DPA_CTRL:
        *value = mmu->dpa;
        return true;
    }
    return false;
}

static bool mmu_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct mmu *mmu = mmu_of(chip);
    uint32_t page_before = page_bytes_of(mmu);
    switch (offset + MMU_ITEM_CONTENT) {
    case MMU_ITEM_CONTENT:
        set_entry(chip, value);
        return true;
    case MMU_ITEM_INDEX:
        mmu->index = value;
        return true;
    case MMU_POWER_CTRL:
        mmu->power = (mmu->power & ~MMU_POWER_MASK) | (value & MMU_POWER_MASK);
        if (page_bytes_of(mmu) != page_before)
            cache_drop_all(chip);
        return true;
    case MMU_DPA_CTRL:
        mmu->dpa = value & MMU_DPA_MASK;
        return true;
    }
    return false;
}

const struct peripheral peripheral_mmu = {
    .name = "MMU",
    .base = MMU_BASE,
    .bytes = 0x10,
    .init = mmu_init,
    .reset = mmu_reset,
    .free = mmu_free,
    .read = mmu_read,
    .write = mmu_write,
};

/* --- cache controller registers ------------------------------------------------------------- */

static int extmem_init(struct chip *chip)
{
    return state_new(chip, &peripheral_extmem, sizeof(struct extmem));
}

static void extmem_reset(struct chip *chip, uint32_t cause)
{
    struct extmem *extmem = chip_state(chip, &peripheral_extmem);
    if (reset_is_cpu_only(cause))
        return;
    stored_reset(&extmem_table, extmem->stored);
    chip_raise(chip, SOC_SOURCE_CACHE, false);
}

static void extmem_free(struct chip *chip)
{
    state_free(chip, &peripheral_extmem);
}

static bool extmem_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct extmem *extmem = chip_state(chip, &peripheral_extmem);
    if (offset == CACHE_FAIL_INT_CLR) {
        *value = 0;
        return true;
    }
    if (offset == CACHE_FAIL_INT_ST) {
        *value = *extmem_word(chip, CACHE_FAIL_INT_RAW) & *extmem_word(chip, CACHE_FAIL_INT_ENA);
        return true;
    }
    if (!stored_read(&extmem_table, extmem->stored, offset, value))
        return false;
    if (offset == CACHE_SYNC_CTRL)
        *value = CACHE_SYNC_DONE; /* the request has cleared itself */
    if (offset == CACHE_FREEZE_CTRL && (*value & CACHE_FREEZE_EN))
        *value |= CACHE_FREEZE_DONE;
    return true;
}

/* Shutting the cache takes the core's pages away; they are still filled when it opens again. */
static void set_control(struct chip *chip, uint32_t value)
{
    struct extmem *extmem = chip_state(chip, &peripheral_extmem);
    bool was_on = cache_on(chip);
    stored_write(&extmem_table, extmem->stored, CACHE_L1_CTRL, value);
    if (was_on && !cache_on(chip))
        chip_flash_window_changed(chip);
}

static bool extmem_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct extmem *extmem = chip_state(chip, &peripheral_extmem);
    switch (offset) {
    case CACHE_FAIL_INT_CLR:
        *extmem_word(chip, CACHE_FAIL_INT_RAW) &= ~value;
        break;
    case CACHE_SYNC_CTRL: /* always coherent; the request is done as soon as it is made */
        return (value & ~(SYNC_REQUESTS | CACHE_SYNC_DONE)) == 0;
    case CACHE_L1_CTRL:
        set_control(chip, value);
        break;
    default:
        if (!stored_write(&extmem_table, extmem->stored, offset, value))
            return false;
    }
    update_interrupt(chip);
    return true;
}

const struct peripheral peripheral_extmem = {
    .name = "EXTMEM",
    .base = SOC_EXTMEM,
    .bytes = 0x1000,
    .init = extmem_init,
    .reset = extmem_reset,
    .free = extmem_free,
    .read = extmem_read,
    .write = extmem_write,
};
