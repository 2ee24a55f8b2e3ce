#include "tool/flash_source.h"

error_t flash_source_parse(int key, char *text, struct flash_source *source, const char *what,
                           const struct argp_state *state)
{
    switch (key) {
    case 'k':
        source->key = text;
        return 0;
    case 'e':
        source->efuse = text;
        return 0;
    case 'a':
        source->table_offset = cli_option_number(state, "--offset", text);
        source->offset_given = true;
        if (source->table_offset % PARTITION_TABLE_SECTOR != 0)
            cli_usage(state, "--offset must be a multiple of 0x1000");
        return 0;
    default:
        return cli_one_argument(key, text, &source->path, what, state);
    }
}
