/* Partition CSV: whatever is accepted is a table that prints, reads back as itself, and survives
 * the binary form. */
#include <string.h>

#include "chain/error.h"
#include "chain/partition.h"
#include "fuzz/fuzz.h"

#define FLASH 0x400000u

static void require_same(const struct partition_table *a, const struct partition_table *b)
{
    require(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct partition *x = &a->entry[i], *y = &b->entry[i];
        require(x->type == y->type && x->subtype == y->subtype && x->offset == y->offset &&
                x->size == y->size && x->flags == y->flags);
        require(strcmp(x->label, y->label) == 0);
    }
}

/* Every variable but UNSET is set, to a row, a field or a piece of one. */
static char *variable(const char *name)
{
    static char row[] = "v,data,nvs,,0x3000,", field[] = "0x4000", separator[] = ",";
    if (strcmp(name, "UNSET") == 0)
        return NULL;
    return strlen(name) > 2 ? row : strlen(name) > 1 ? field : separator;
}

static void warned(void *context, const struct partition_problem *problem)
{
    (void)context;
    require(strlen(problem->text) > 0 && problem->line > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct partition_table table, back;
    struct partition_problem problem;
    const struct partition_csv how = {.table_offset = PARTITION_TABLE_OFFSET,
                                      .flash_size = FLASH,
                                      .variable = variable,
                                      .warn = warned};
    const int verdict = partition_csv_parse((const char *)data, size, &how, &table, &problem);
    if (verdict != CHAIN_OK) {
        require(strlen(problem.text) > 0 && problem.line <= size);
        return 0;
    }
    static char text[128 * 1024];
    require(partition_csv_print(&table, text, sizeof text) == CHAIN_OK);
    require(partition_csv_parse(text, strlen(text), &how, &back, &problem) == CHAIN_OK);
    require_same(&table, &back);

    uint8_t binary[PARTITION_TABLE_BYTES];
    bool has_md5;
    require(partition_table_build(&table, binary) == CHAIN_OK);
    require(partition_table_parse(binary, sizeof binary, FLASH, &back, &has_md5) == CHAIN_OK);
    require(has_md5);
    require_same(&table, &back);
    return 0;
}
