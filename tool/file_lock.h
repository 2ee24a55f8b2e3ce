/* tool/file_lock.h: one user at a time for a file that is a chip's memory. `chip run` holds the
 * lock while the chip runs; a verb that replaces a flash image or an eFuse file holds it from
 * before it reads until after it has written. Each prints its one line on failure, returns
 * HOST_FAILED.
 */
#ifndef TOOL_FILE_LOCK_H
#define TOOL_FILE_LOCK_H

/* Opens a regular file with O_RDONLY or O_RDWR and locks it, at once or not at all. */
int file_lock(const char *path, int access, int *fd);

/* The same for what is about to be written: a path where no regular file is ("-", a device, nothing
 * yet) needs no lock, *fd is then -1. */
int file_lock_output(const char *path, int *fd);

void file_unlock(int fd); /* -1 is fine */

#endif
