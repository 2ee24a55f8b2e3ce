/* tests/unit/agent/ordered.h: a device that runs 1.1.0, and orders for it. */
#ifndef TESTS_AGENT_ORDERED_H
#define TESTS_AGENT_ORDERED_H

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/agent/device.h"

#define BODY 150000u /* more than two steps of saved progress */

static const struct test_image running = {
    .version = "1.1.0", .project = "lamp", .body = BODY, .secure_version = 2};
static const struct test_image newer = {
    .version = "1.2.0", .project = "lamp", .body = BODY, .secure_version = 2};
static uint8_t file[TEST_FILE_MAX], other_file[TEST_FILE_MAX];

static inline struct device *new_device(void)
{
    struct device *device = malloc(sizeof *device);
    device_init(device, &running);
    device->speaks_ddi = true;
    device->token = "s3cret";
    device->trial_version = "1.2.0";
    return device;
}

static inline struct device *ordered(const struct test_image *image)
{
    struct device *device = new_device();
    ddi_server_order(&device->ddi, 11111, file, test_image_make(image, file));
    return device;
}

/* An order of which no end of the run is known beforehand. */
static inline void go(struct device *device)
{
    assert_true(device_run(device, 2, 30));
    assert_int_equal(device->unbootable, 0);
    assert_int_equal(device->ddi.unknown, 0);
}

static inline void check_told(const struct device *device, const char *text)
{
    if (strstr(device->ddi.told, text) == NULL)
        fail_msg("told: %s", device->ddi.told);
}

static inline void order_again(struct device *device)
{
    ddi_server_order(&device->ddi, device->ddi.action + 1, file, device->ddi.length);
    go(device);
}

#endif
