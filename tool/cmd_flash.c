/* trustchain flash: factory flash images, and reading them back. */
#include "tool/tool.h"

#include "tool/cli.h"
#include "tool/flash_build.h"
#include "tool/flash_map.h"
#include "tool/flash_read.h"

int cmd_flash(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"build", flash_build, "one factory image from its parts"},
        {"read", flash_read, "take a flash dump apart"},
        {"map", flash_map, "what is where in a flash dump"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
