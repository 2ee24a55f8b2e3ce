/* fuzz/replay.c: a fuzz target without the fuzzer: give it each file of the folders named. So every
 * compiler can replay the seeds, and what was once found, as a test.
 */
#include <dirent.h>

#include "fuzz/fuzz.h"

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(1u << 20);
    if (file == NULL || bytes == NULL) {
        fprintf(stderr, "replay: %s: cannot be read\n", path);
        return 1;
    }
    size_t length = fread(bytes, 1, 1u << 20, file);
    fclose(file);
    /* Of exactly its length, so that the sanitizer sees a read past the end. */
    uint8_t *exact = realloc(bytes, length > 0 ? length : 1);
    require(exact != NULL);
    LLVMFuzzerTestOneInput(exact, length);
    free(exact);
    return 0;
}

static int replay_folder(const char *folder, unsigned *count)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    int status = entries == NULL;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        status |= replay_file(path);
        ++*count;
    }
    if (entries != NULL)
        closedir(entries);
    return status;
}

int main(int count, char **arguments)
{
    unsigned replayed = 0;
    int status = 0;
    for (int i = 1; i < count; i++)
        status |= replay_folder(arguments[i], &replayed);
    printf("%u inputs replayed\n", replayed);
    return status || replayed == 0;
}
