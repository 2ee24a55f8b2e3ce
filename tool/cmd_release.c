/* trustchain release: what devices are offered. */
#include "tool/release_options.h"
#include "tool/tool.h"

int cmd_release(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"publish", release_publish, "check a signed image and offer it to devices"},
        {"promote", release_promote, "offer a channel's release on another channel"},
        {"list", release_list, "what is published"},
        {"show", release_show, "what a channel offers, in full"},
        {"verify", release_verify, "check again what is published"},
        {"withdraw", release_withdraw, "stop offering a release"},
        {"prune", release_prune, "remove images that no channel offers"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
