/* Which class a path is counted in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/metrics.h"

static void classes(void **state)
{
    static const struct {
        const char *path;
        enum metric_class class;
    } table[] = {
        {"/DEFAULT/controller/v1/dev1", METRIC_POLL},
        {"/DEFAULT/controller/v1/dev1?x=/feedback", METRIC_POLL},
        {"/DEFAULT/controller/v1/dev1/configData", METRIC_DEVICE},
        {"/DEFAULT/controller/v1/dev1/deploymentBase/8?c=1", METRIC_DEVICE},
        {"/DEFAULT/controller/v1/dev1/deploymentBase/8/feedback", METRIC_FEEDBACK},
        {"/DEFAULT/controller/v1/dev1/softwaremodules/1/artifacts/a.bin", METRIC_ARTIFACT},
        {"/DEFAULT/controller/v1/", METRIC_POLL},
        {"/DEFAULT/controller/v1", METRIC_OTHER},
        {"/DEFAULT", METRIC_OTHER},
        {"/ota/thermo/stable.bin", METRIC_OTA},
        {"/rest/v1/targets", METRIC_MANAGE},
        {"/console/", METRIC_CONSOLE},
        {"/healthz", METRIC_OTHER},
        {"/", METRIC_OTHER},
        {"", METRIC_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t length = strlen(table[i].path);
        char *exact = malloc(length + 1); /* a read behind it is caught */
        memcpy(exact + 1, table[i].path, length);
        enum metric_class got = metric_class_of(exact + 1, length);
        free(exact);
        if (got != table[i].class)
            fail_msg("%s: %d", table[i].path, (int)got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(classes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
