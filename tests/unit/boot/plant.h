/* tests/unit/boot/plant.h: a device as it leaves the factory: eFuses burned, flash signed and
 * encrypted, the real ROM and bootloader on the virtual chip. Each app is a descriptor and three
 * instructions; which one runs is seen at its entry, not in the console.
 */
#ifndef TESTS_BOOT_PLANT_H
#define TESTS_BOOT_PLANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/efuse.h"
#include "chain/otadata.h"
#include "chip/chip.h"
#include "host/key.h"

#define PLANT_FLASH   0x200000u /* 2 MB */
#define PLANT_OTADATA 0xD000u
#define PLANT_SLOT0   0x10000u
#define PLANT_SLOT1   0x50000u
#define PLANT_ENTRY   0x40800000u /* of every app */
#define PLANT_IMAGE   0x10000u    /* room for one image */

struct image_bytes {
    uint8_t bytes[PLANT_IMAGE];
    size_t length; /* a multiple of 4096 once signed */
};

/* Made once for all tests: two signing keys, ROM and bootloader files. */
struct works {
    struct key *trusted, *foreign;
    uint8_t flash_key[XTS_KEY_BYTES];
    uint8_t rom[0x50000];
    size_t rom_bytes;
    struct image_bytes bootloader; /* unsigned */
};

struct plant {
    const struct works *works;
    uint8_t flash[PLANT_FLASH];
    struct efuse efuse;
    uint32_t strap;
};

/* How a run ended. */
enum outcome {
    APP_RUNS,     /* at PLANT_ENTRY; `app` says which */
    ROM_REFUSES,  /* the bootloader never ran; the ROM's watchdog reset */
    BOOT_REFUSES, /* the bootloader ran, no app did, and it reset the system */
    HALTED,       /* asleep for good */
    OTHERWISE,
};

struct result {
    enum outcome outcome;
    unsigned app;
    uint32_t reset_cause; /* of the last reset */
    unsigned unknown_registers;
};

/* 0, or -1 with a line on stderr: the device software is not built. */
int works_open(struct works *works, const char *device_folder);
void works_close(struct works *works);

/* An app image, unsigned, whose marker is `id`. */
void app_make(struct image_bytes *image, unsigned id, uint32_t secure_version);
/* Checksum and digest again after a change that keeps all lengths. */
void image_seal(struct image_bytes *image);
/* Fill to 4096 and append one signature sector. */
void image_sign(struct image_bytes *image, const struct key *key);

/* Secure Boot and flash encryption on, one digest; apps 1 and 2 in the slots, otadata blank. */
void plant_make(struct plant *plant, const struct works *works);
/* Write plaintext as the device would read it, encrypted. */
void plant_put(struct plant *plant, uint32_t offset, const void *bytes, size_t length);
void plant_put_image(struct plant *plant, uint32_t offset, const struct image_bytes *image);
/* Read it back decrypted. */
void plant_get(const struct plant *plant, uint32_t offset, void *out, size_t length);
void plant_put_record(struct plant *plant, int index, uint32_t seq, uint32_t state);
struct otadata plant_records(const struct plant *plant);
void plant_burn(struct plant *plant, const char *field, uint32_t value);

/* One power-on until an app runs or the device gives up. Flash and eFuses keep what it changed. */
struct result plant_run(struct plant *plant);

#endif
