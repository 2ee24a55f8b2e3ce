/* trustchain release: publish, list and withdraw what devices are offered. */
#include "tool/release_options.h"
#include "tool/tool.h"

int cmd_release(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"publish", release_publish, "check a signed image and offer it to devices"},
        {"list", release_list, "what is published"},
        {"show", release_show, "what a channel offers, in full"},
        {"withdraw", release_withdraw, "stop offering a release"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
