/* tests/unit/chip-core/bare.c: see bare.h. */
#include "tests/unit/chip-core/bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chain/soc.h"

#define FLASH_BYTES (2u << 20)

static const struct peripheral probe;

static struct bare *bare_of(struct chip *chip)
{
    return chip_config(chip)->context;
}

static void probe_fire(struct chip *chip, unsigned id)
{
    (void)id;
    bare_of(chip)->fired_at = chip_now(chip);
    chip_raise(chip, SOC_SOURCE_UART0, true);
}

static int probe_init(struct chip *chip)
{
    uint32_t *word = calloc(1, sizeof *word);
    chip_set_state(chip, &probe, word);
    return word ? CHIP_OK : CHIP_EMEMORY;
}

static void probe_reset(struct chip *chip, uint32_t cause)
{
    (void)cause;
    chip_raise(chip, SOC_SOURCE_UART0, false);
    chip_schedule(chip, &probe, 0, UINT64_MAX, probe_fire);
}

static void probe_free(struct chip *chip)
{
    free(chip_state(chip, &probe));
}

static bool probe_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    const uint32_t *word = chip_state(chip, &probe);
    if (offset == PROBE_NOW)
        *value = (uint32_t)chip_now(chip);
    else if (offset == PROBE_WORD)
        *value = *word;
    else
        return false;
    return true;
}

static bool probe_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    uint32_t *word = chip_state(chip, &probe);
    switch (offset) {
    case PROBE_WORD:
        *word = value;
        return true;
    case PROBE_SOURCE:
        chip_raise(chip, SOC_SOURCE_UART0, value & 1);
        return true;
    case PROBE_DELAY:
        chip_schedule(chip, &probe, 0, chip_now(chip) + value, probe_fire);
        return true;
    case PROBE_RESET:
        chip_request_reset(chip, value);
        return true;
    case PROBE_STOP:
        chip_stop(chip);
        return true;
    case PROBE_WINDOW:
        memcpy(bare_of(chip)->flash, &value, sizeof value);
        chip_flash_window_changed(chip);
        return true;
    default:
        return false;
    }
}

static const struct peripheral probe = {
    .name = "probe",
    .base = BARE_PROBE,
    .bytes = 0x100,
    .init = probe_init,
    .reset = probe_reset,
    .free = probe_free,
    .read = probe_read,
    .write = probe_write,
};

const struct peripheral *const chip_peripherals[] = {
    &chip_intmtx, &chip_plic_m, &chip_plic_u, &chip_intpri, &chip_clint_m, &probe,
};
const size_t chip_peripheral_count = sizeof chip_peripherals / sizeof chip_peripherals[0];

const uint8_t *chip_flash_page(struct chip *chip, uint32_t window_offset, uint32_t *page_bytes)
{
    *page_bytes = 0x10000;
    return window_offset < 0x10000 ? chip_config(chip)->flash : NULL;
}

void chip_flash_failed(struct chip *chip, uint32_t address)
{
    bare_of(chip)->missed = address;
}

void chip_network_wait(struct chip *chip, uint64_t nanoseconds)
{
    struct bare *bare = bare_of(chip);
    struct timespec time = {.tv_sec = (time_t)(nanoseconds / 1000000000),
                            .tv_nsec = (long)(nanoseconds % 1000000000)};
    if (++bare->waits == bare->frame_after)
        chip_raise(chip, SOC_SOURCE_UART0, true);
    else
        nanosleep(&time, NULL);
}

void chip_network_poll(struct chip *chip)
{
    bare_of(chip)->polls++;
}

static void take_note(void *context, const char *line)
{
    struct bare *bare = context;
    bare->notes++;
    snprintf(bare->last_note, sizeof bare->last_note, "%s", line);
}

static void create(struct bare *bare, uint64_t seed, bool network)
{
    struct chip_config config;
    memset(bare, 0, sizeof *bare);
    bare->flash = malloc(FLASH_BYTES);
    bare->efuse = calloc(1, sizeof *bare->efuse);
    if (bare->flash == NULL || bare->efuse == NULL)
        abort();
    memset(bare->flash, 0xFF, FLASH_BYTES);
    chip_config_init(&config);
    config.flash = bare->flash;
    config.flash_bytes = FLASH_BYTES;
    config.efuse = bare->efuse;
    config.seed = seed;
    config.note = take_note;
    config.context = bare;
    config.network = network;
    if (chip_new(&config, &bare->chip) != CHIP_OK || chip_run(bare->chip, 0) != CHIP_STOP_BUDGET)
        abort();
}

void bare_new(struct bare *bare, uint64_t seed)
{
    create(bare, seed, false);
}

void bare_new_networked(struct bare *bare)
{
    create(bare, 1, true);
}

void bare_free(struct bare *bare)
{
    chip_free(bare->chip);
    free(bare->flash);
    free(bare->efuse);
}

void bare_load(struct bare *bare, const uint32_t *words, size_t count)
{
    if (!chip_poke(bare->chip, BARE_CODE, words, 4 * count))
        abort();
    chip_set_register(bare->chip, 32, BARE_CODE);
}

uint32_t bare_word(struct bare *bare, uint32_t address)
{
    uint32_t word = 0;
    if (!chip_peek(bare->chip, address, &word, sizeof word))
        abort();
    return word;
}
