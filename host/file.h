/* host/file.h: whole files in, whole files out, nothing half-written.
 *
 * Reading gives an owned buffer; writing goes to a temporary file in the same folder, fsync,
 * rename: a reader, or who looks after a power cut, sees the old file or the new one, whole. What
 * cannot be made a second time must be the new one from then on: that takes an fsync of the folder
 * too, which outputs do without, as it doubles the time of a small one. "-" is stdin or stdout.
 * Failures print the one line (host/error.h) and return HOST_FAILED; *out is then empty.
 */
#ifndef HOST_FILE_H
#define HOST_FILE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buffer {
    uint8_t *bytes; /* malloc'd; NULL when empty */
    size_t length;
};

#define FILE_MAX_DEFAULT (64u << 20)

/* At most `max` bytes, more is refused; an empty file is refused too. Only regular files, pipes
 * and "-". */
int file_read(const char *path, size_t max, struct buffer *out);

/* Same for a secret: a regular file that anyone but its owner may read or write is refused. */
int file_read_private(const char *path, size_t max, struct buffer *out);

/* Replaces what is there. A symbolic link is followed; a device or a pipe is written to as it is.
 */
int file_write(const char *path, const void *bytes, size_t length, mode_t mode);

/* The same, for what cannot be made again (eFuses): lasting once it returns. */
int file_write_lasting(const char *path, const void *bytes, size_t length, mode_t mode);

/* Refuses to replace an existing file (keys); lasting. */
int file_create(const char *path, const void *bytes, size_t length, mode_t mode);

/* What another program made beside `path`, a file or a folder with all that is in it, gets that
 * name; lasting. A file replaces what is there (file_place_new: nothing is replaced), a folder an
 * empty one. HOST_FAILED: what was made may be left as it was. */
int file_place(const char *made, const char *path);
int file_place_new(const char *made, const char *path);

/* How messages call a path: "-" becomes "stdin". */
const char *file_input_name(const char *path);

void buffer_free(struct buffer *buffer);
/* Wipes first: for key material. */
void buffer_free_secret(struct buffer *buffer);

/* "FOLDER/NAME". HOST_FAILED: too long a path. */
int file_path(const char *folder, const char *name, char out[PATH_MAX]);

/* Make a folder (parents must exist), fine when it is there already. */
int folder_make(const char *path, mode_t mode);

#endif
