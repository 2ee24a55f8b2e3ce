#include "tests/unit/host/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/folder.h"

static char folder[FOLDER_BYTES];
static int saved_stderr = -1;
static int caught = -1;

int scratch_make(void **state)
{
    (void)state;
    folder_new("test", folder);
    return 0;
}

int scratch_remove(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

const char *scratch_path(const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

size_t scratch_count(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

void scratch_put(const char *name, const void *bytes, size_t length, unsigned mode)
{
    int fd = open(scratch_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

void scratch_catch_stderr(void)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    caught = dup(fileno(file));
    fclose(file);
    fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    dup2(caught, STDERR_FILENO);
}

const char *scratch_stderr(void)
{
    static char text[4096];
    fflush(stderr);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    ssize_t length = pread(caught, text, sizeof text - 1, 0);
    close(caught);
    text[length > 0 ? length : 0] = '\0';
    return text;
}
