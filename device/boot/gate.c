/* device/boot/gate.c: see boot_gate() in boot.h.
 *
 * Everything here was decided before. It is asked again because one fault (a skipped instruction, a
 * flipped bit) at the right moment can turn one decision, and must not be enough.
 */
#include "chain/bytes.h"
#include "device/boot/boot.h"
#include "device/hal/efuse.h"
#include "device/hal/hal.h"

#define SECURE_VERSION_AT 4u /* in the app descriptor */

/* The version in the descriptor as the app will see it (formats.md 1.5), not as it was copied. */
static bool new_enough(const struct boot_app *app)
{
    uintptr_t descriptor = app->image.segment[0].load_addr;
    uint32_t version = le32_load((const uint8_t *)descriptor + SECURE_VERSION_AT);
    return version == app->desc.secure_version && version >= hal_efuse_secure_version();
}

_Noreturn void boot_gate(const struct boot_app *app)
{
    if (app->verdict != SIGBLOCK_TRUSTED || !new_enough(app)) {
        boot_log('E', "verdict lost");
        hal_stop();
    }
    if (app->verdict == SIGBLOCK_TRUSTED && new_enough(app)) {
        boot_enter(app->image.entry);
        hal_stop();
    }
    hal_stop();
}
