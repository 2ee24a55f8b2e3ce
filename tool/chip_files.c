/* tool/chip_files.c: see chip_files.h. */
#include "tool/chip_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain/soc.h"
#include "chip/rom/rom.h"
#include "host/error.h"
#include "tool/efuse_file.h"
#include "tool/file_lock.h"

/* Absent from a build without the device software. */
#pragma weak chip_rom_image
#pragma weak chip_rom_image_bytes

/* Opens a regular file for the run alone and says how long it is. */
static int open_locked(const char *path, struct mapped_file *out)
{
    struct stat status;
    out->bytes = NULL;
    int error = file_lock(path, O_RDWR, &out->fd);
    if (error != HOST_DONE)
        return error;
    if (fstat(out->fd, &status) != 0) {
        close(out->fd);
        return host_fail(path, "cannot be examined: %s", strerror(errno));
    }
    out->length = (size_t)status.st_size;
    return HOST_DONE;
}

static int map_locked(const char *path, struct mapped_file *file)
{
    void *bytes = mmap(NULL, file->length, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
    if (bytes == MAP_FAILED) {
        close(file->fd);
        return host_fail(path, "cannot be mapped: %s", strerror(errno));
    }
    file->bytes = bytes;
    return HOST_DONE;
}

int flash_file_map(const char *path, struct mapped_file *out)
{
    int error = open_locked(path, out);
    if (error != HOST_DONE)
        return error;
    size_t mb = out->length >> 20;
    if ((mb != 2 && mb != 4 && mb != 8 && mb != 16) || out->length != mb << 20) {
        close(out->fd);
        return host_fail(path,
                         "has %zu bytes, a flash image has 2, 4, 8 or 16 MB (make one with "
                         "`trustchain flash build')",
                         out->length);
    }
    return map_locked(path, out);
}

int efuse_file_map(const char *path, struct mapped_file *out)
{
    int error = open_locked(path, out);
    if (error != HOST_DONE)
        return error;
    if (out->length == EFUSE_VIRT_BYTES) {
        close(out->fd);
        return host_fail(path, "is in espefuse's form, which hides keys from a chip that runs "
                               "(trustchain efuse convert FILE -o OUT --to qemu)");
    }
    if (out->length < EFUSE_IMAGE_BYTES) {
        close(out->fd);
        return host_fail(path,
                         "has %zu bytes, an eFuse file has at least %u (make one with "
                         "`trustchain efuse new')",
                         out->length, EFUSE_IMAGE_BYTES);
    }
    return map_locked(path, out);
}

void mapped_file_close(struct mapped_file *file)
{
    if (file->bytes == NULL)
        return;
    munmap(file->bytes, file->length);
    close(file->fd);
    file->bytes = NULL;
}

int rom_file_load(const char *path, struct rom_file *out)
{
    *out = (struct rom_file){0};
    if (path == NULL) {
        if (&chip_rom_image_bytes == NULL)
            return host_fail(NULL, "this build has no ROM in it (give one with --rom)");
        out->bytes = chip_rom_image;
        out->length = chip_rom_image_bytes;
        return HOST_DONE;
    }
    int error = file_read(path, SOC_ROM_BYTES, &out->loaded);
    out->bytes = out->loaded.bytes;
    out->length = out->loaded.length;
    return error;
}
