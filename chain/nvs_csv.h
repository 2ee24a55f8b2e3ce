/* chain/nvs_csv.h: an NVS partition from the CSV that Espressif's nvs_partition_gen reads (nvs.md
 * 5).
 *
 *     key,type,encoding,value
 *     storage,namespace,,
 *     name,data,string,thermo
 *
 * Works in place: the text is the caller's and is used up. Memory: none but the caller's.
 */
#ifndef CHAIN_NVS_CSV_H
#define CHAIN_NVS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/nvs.h"

/* Where and why a CSV was refused. line counts from 1; 0 = the text as a whole. */
struct nvs_problem {
    unsigned line;
    char text[160]; /* what is wrong (what to do) */
};

/* Rows of type `file` take their value from here; a NULL table refuses them. */
struct nvs_files {
    void *context;
    /* The file's bytes, which the CSV reader changes and then gives back; false (and nothing to
     * give back) when there are none to have. path is not NUL-terminated. */
    bool (*load)(void *context, const char *path, size_t length, char **bytes, size_t *size);
    void (*release)(void *context, char *bytes);
};

/* Writes each row. ESYNTAX, EFIELD, EBOUNDS, EDUPLICATE (a namespace opened again), EMISSING,
 * ESPACE: with *problem. That keys are unique within their namespace is not looked at. */
int nvs_csv_write(char *text, size_t length, const struct nvs_files *files,
                  struct nvs_writer *writer, struct nvs_problem *problem);

#endif
