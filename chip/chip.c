/* chip/chip.c: a chip's life: creation, power, resets, and the loop that runs it. */
#include "chip/chip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chip/state.h"

/* Instructions run without looking whether somebody called chip_stop() meanwhile. */
#define SLICE       (1u << 20)
#define SLICE_POLLS (1000u * SOC_CPU_MHZ) /* with a network: a millisecond */

const char *chip_error_text(int error)
{
    switch (error) {
    case CHIP_OK:
        return "no error";
    case CHIP_EMEMORY:
        return "out of memory";
    case CHIP_ECONFIG:
        return "flash must be 2, 4, 8 or 16 MB and the ROM at most 320 KB";
    case CHIP_ENETWORK:
        return "the user-mode network cannot be started";
    case CHIP_EFILE:
        return "the capture file cannot be written";
    case CHIP_ESLIRP:
        return "the network needs the library libslirp.so.0 (apt install libslirp0)";
    default:
        return "unknown error";
    }
}

void chip_config_init(struct chip_config *config)
{
    *config = (struct chip_config){.strap = SOC_STRAP_SPI_BOOT};
}

static bool config_is_sound(const struct chip_config *config)
{
    size_t flash = config->flash_bytes;
    return (flash == 2u << 20 || flash == 4u << 20 || flash == 8u << 20 || flash == 16u << 20) &&
           config->flash != NULL && config->efuse != NULL && config->rom_bytes <= SOC_ROM_BYTES &&
           (config->rom != NULL || config->rom_bytes == 0);
}

static bool allocate(struct chip *chip)
{
    static const size_t sizes[CHIP_REGIONS] = {
        [CHIP_ROM] = SOC_ROM_BYTES,
        [CHIP_HP_SRAM] = SOC_HP_SRAM_BYTES,
        [CHIP_LP_SRAM] = SOC_LP_SRAM_BYTES,
    };
    for (size_t i = 0; i < CHIP_REGIONS; i++) {
        chip->memory[i] = calloc(1, sizes[i]);
        if (chip->memory[i] == NULL)
            return false;
    }
    return core_init(&chip->core, chip, chip->memory[CHIP_HP_SRAM]);
}

int chip_new(const struct chip_config *config, struct chip **out)
{
    *out = NULL;
    if (!config_is_sound(config))
        return CHIP_ECONFIG;
    struct chip *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        return CHIP_EMEMORY;
    chip->config = *config;
    chip_events_init(chip);
    int error = allocate(chip) ? chip_bus_init(chip) : CHIP_EMEMORY;
    if (error != CHIP_OK) {
        chip_free(chip);
        return error;
    }
    if (config->rom_bytes != 0)
        memcpy(chip->memory[CHIP_ROM], config->rom, config->rom_bytes);
    *out = chip;
    return CHIP_OK;
}

void chip_free(struct chip *chip)
{
    if (chip == NULL)
        return;
    chip_bus_free(chip);
    core_free(&chip->core);
    for (size_t i = 0; i < CHIP_REGIONS; i++)
        free(chip->memory[i]);
    free(chip);
}

const struct chip_config *chip_config(const struct chip *chip)
{
    return &chip->config;
}

uint64_t chip_now(const struct chip *chip)
{
    return core_now(&chip->core);
}

void chip_note(struct chip *chip, const char *format, ...)
{
    char line[256];
    va_list arguments;
    if (chip->config.note == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    chip->config.note(chip->config.context, line);
}

/* Interrupts. */

void chip_set_interrupt_line(struct chip *chip, unsigned line)
{
    chip->core.line = line;
    if (line != 0 && core_interrupt_due(&chip->core))
        chip->core.attention = true;
}

void chip_set_interrupt_pending(struct chip *chip, uint32_t mask, uint32_t lines)
{
    chip->core.mip = (chip->core.mip & ~mask) | (lines & mask);
    if (core_interrupt_due(&chip->core))
        chip->core.attention = true;
}

uint32_t chip_interrupt_enable(const struct chip *chip)
{
    return chip->core.mie;
}

/* Power and resets. */

/* SRAM comes up with anything in it: never with zeros somebody could rely on. */
static void fill_ram(uint8_t *bytes, size_t length, uint64_t seed)
{
    for (size_t i = 0; i + 8 <= length; i += 8) {
        seed += 0x9E3779B97F4A7C15u; /* splitmix64 */
        uint64_t mixed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9u;
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
        mixed ^= mixed >> 31;
        memcpy(bytes + i, &mixed, sizeof mixed);
    }
}

static void reset(struct chip *chip, uint32_t cause)
{
    chip->reset_wanted = false;
    chip->stats.last_reset_cause = cause;
    chip->stats.to_bootloader = chip->stats.to_app = 0;
    chip->reset_retired = core_retired(&chip->core);
    core_reset(&chip->core);
    chip_bus_reset(chip, cause);
}

static void power_on(struct chip *chip)
{
    uint64_t seed = chip->config.seed + chip->power_cycles++ * 0xD1B54A32D192ED03u;
    fill_ram(chip->memory[CHIP_HP_SRAM], SOC_HP_SRAM_BYTES, seed);
    fill_ram(chip->memory[CHIP_LP_SRAM], SOC_LP_SRAM_BYTES, ~seed);
    chip->powered = true;
    chip->power_lost = false;
    reset(chip, SOC_RESET_POWERON);
}

static void reset_on_request(struct chip *chip)
{
    chip->stats.resets++;
    chip_note(chip, "reset, cause 0x%x", chip->reset_cause);
    reset(chip, chip->reset_cause);
    if (chip->resets_left != 0 && --chip->resets_left == 0)
        chip->reset_limit = true;
}

void chip_request_reset(struct chip *chip, uint32_t cause)
{
    if (!chip->reset_wanted)
        chip->reset_cause = cause; /* the first one of an instruction wins */
    chip->reset_wanted = true;
    chip->core.attention = true;
}

void chip_power_lost(struct chip *chip)
{
    chip->power_lost = true;
    chip->core.attention = true;
}

void chip_power_cycle(struct chip *chip)
{
    chip->powered = false;
}

void chip_limit_resets(struct chip *chip, unsigned resets)
{
    chip->resets_left = resets;
}

/* Running. */

void chip_stop(struct chip *chip)
{
    atomic_store(&chip->stop, true);
    chip->core.attention = true;
}

void chip_breakpoint(struct chip *chip, uint32_t pc)
{
    chip->core.breakpoint = pc;
    core_flush(&chip->core);
}

/* Milestones of a boot: the first code outside the ROM, and the first in the flash window. */
void chip_code_entered(struct chip *chip, uint32_t pc)
{
    uint64_t since = core_retired(&chip->core) - chip->reset_retired;
    if (pc - SOC_HP_SRAM_BASE < SOC_HP_SRAM_BYTES && chip->stats.to_bootloader == 0)
        chip->stats.to_bootloader = since;
    if (pc - SOC_FLASH_BASE < SOC_FLASH_BYTES && chip->stats.to_app == 0)
        chip->stats.to_app = since;
}

/* Everything that may end a run, most final first. False: go on. */
static bool stopped(struct chip *chip, uint64_t end, enum chip_stop *reason)
{
    struct core *core = &chip->core;
    if (chip->power_lost)
        *reason = CHIP_STOP_POWER_CUT;
    else if (chip->reset_limit)
        *reason = CHIP_STOP_RESET_LIMIT;
    else if (core->halted)
        *reason = CHIP_STOP_HALT;
    else if (core->at_breakpoint)
        *reason = CHIP_STOP_BREAKPOINT;
    else if (atomic_load(&chip->stop))
        *reason = CHIP_STOP_REQUEST;
    else if (core_now(core) >= end)
        *reason = CHIP_STOP_BUDGET;
    else
        return false;
    chip->reset_limit = false;
    core->at_breakpoint = false;
    atomic_store(&chip->stop, false);
    return true;
}

/* In wfi any event may bring the interrupt that ends it, in a trap loop only a watchdog helps. */
static void sleep_or_halt(struct chip *chip, uint64_t end)
{
    struct core *core = &chip->core;
    bool hope = !core->stuck || chip_watchdog_runs(chip);
    if (hope && chip_sleep(chip, end))
        return;
    if (!core->stuck)
        chip_note(chip, "wfi that nothing can end, PC 0x%08x", core->pc);
    core->halted = true;
}

/* Run or sleep until something is due, `end` at the latest. */
static void advance(struct chip *chip, uint64_t end)
{
    struct core *core = &chip->core;
    uint64_t until = core_now(core) + (chip->config.network ? SLICE_POLLS : SLICE);
    if (core->waiting && core_interrupt_pending(core))
        core->waiting = false;
    if (!core->waiting && core_interrupt_due(core))
        core_interrupt(core);
    if (core->waiting || core->stuck) {
        sleep_or_halt(chip, end);
        return;
    }
    if (until > end)
        until = end;
    if (until > chip->next_event)
        until = chip->next_event;
    core_run(core, until);
}

enum chip_stop chip_run(struct chip *chip, uint64_t instructions)
{
    enum chip_stop reason;
    struct core *core = &chip->core;
    if (!chip->powered)
        power_on(chip);
    uint64_t now = core_now(core);
    uint64_t end = instructions < UINT64_MAX - now ? now + instructions : UINT64_MAX;
    core->step_over = core->breakpoint != 0 && core->pc == core->breakpoint;
    for (;;) {
        core->attention = false;
        if (chip->reset_wanted && !chip->power_lost)
            reset_on_request(chip);
        if (stopped(chip, end, &reason))
            return reason;
        chip_events_fire(chip);
        chip_poll_network(chip);
        if (!chip->reset_wanted && !chip->power_lost)
            advance(chip, end);
    }
}

/* Views for tests, reports and the debugger. */

void chip_count_flash(struct chip *chip, enum chip_flash_op op)
{
    if (op == CHIP_FLASH_PROGRAM)
        chip->stats.flash_programs++;
    else if (op == CHIP_FLASH_ERASE)
        chip->stats.flash_erases++;
}

void chip_get_stats(const struct chip *chip, struct chip_stats *out)
{
    *out = chip->stats;
    out->instructions = core_retired(&chip->core);
    uint64_t now = core_now(&chip->core);
    out->virtual_ns = now / SOC_CPU_MHZ * 1000 + now % SOC_CPU_MHZ * 1000 / SOC_CPU_MHZ;
}

uint32_t chip_register(const struct chip *chip, unsigned index)
{
    return index == 32 ? core_pc(&chip->core) : chip->core.x[index & 31];
}

void chip_set_register(struct chip *chip, unsigned index, uint32_t value)
{
    if (index == 32) {
        chip->core.pc = value & ~1u;
        chip->core.waiting = chip->core.stuck = false;
        chip->core.trapped = UINT64_MAX;
    } else if (index % 32 != 0) {
        chip->core.x[index & 31] = value;
    }
}
