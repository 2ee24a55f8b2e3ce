/* device/app/console.c: see console.h. A line is edited with backspace and cleared with ^C or ^U.
 */
#include "device/app/console.h"

#include <string.h>

#include "chain/otadata.h"
#include "device/agent/slots.h"
#include "device/app/app.h"
#include "device/app/memory.h"
#include "device/app/network.h"
#include "device/app/tls.h"
#include "device/app/update.h"
#include "device/hal/efuse.h"
#include "device/hal/print.h"
#include "device/hal/system.h"
#include "device/hal/uart.h"

#define LINE_BYTES 64

enum { KEY_CTRL_C = 0x03, KEY_BACKSPACE = 0x08, KEY_CTRL_U = 0x15, KEY_DELETE = 0x7F };

static const struct flash_map *map;
static const struct settings *settings;
static char line[LINE_BYTES];
static size_t length;

static void prompt(void)
{
    hal_printf("> ");
}

static void command_version(void)
{
    hal_printf("%s %s, secure version %lu, built %s %s\n", app_descriptor.project,
               app_descriptor.version, (unsigned long)app_descriptor.secure_version,
               app_descriptor.date, app_descriptor.time);
}

static const char *state_name(int state)
{
    static const char *const names[] = {"new", "pending", "valid", "invalid", "aborted"};
    return state >= 0 && state <= OTADATA_ABORTED ? names[state] : "not recorded";
}

static void print_slots(void)
{
    struct slots slots = {&map->otadata, map->slot_count, map->running};
    for (unsigned i = 0; i < map->slot_count; i++) {
        int state;
        if (slots_state(&slots, i, &state) != 0)
            state = OTADATA_UNDEFINED;
        hal_printf("slot       %s at 0x%lx, %lu KB, %s%s\n", map->slot[i].label,
                   (unsigned long)map->slot[i].offset, (unsigned long)map->slot[i].size / 1024,
                   state_name(state), i == map->running ? ", running" : "");
    }
}

static void command_status(void)
{
    struct efuse efuse;
    char authority[96];
    hal_efuse_read(&efuse);
    tls_authority(authority, sizeof authority);
    hal_printf("uptime     %lu s\n", (unsigned long)(hal_time_us() / 1000000));
    hal_printf("security   secure boot %s, flash encryption %s, secure version %u\n",
               efuse_bits(&efuse, EFUSE_SECURE_BOOT_EN) ? "on" : "off",
               hal_efuse_flash_encryption() ? "on" : "off", efuse_secure_version(&efuse));
    if (map != NULL)
        print_slots();
    hal_printf("network    %s, %s\n", network_ready() ? "up" : "down", network_address());
    hal_printf("device     %s, token %s\n",
               settings->device_id[0] != '\0' ? settings->device_id : "without id",
               settings->token[0] != '\0' ? "set" : "none");
    hal_printf("server     https://%s:%u, product %s, %s %s, every %lu s\n", settings->host,
               (unsigned)settings->port, app_config.product,
               settings->ddi ? "DDI tenant" : "channel",
               settings->ddi ? settings->tenant : settings->channel,
               (unsigned long)settings->poll_ms / 1000);
    hal_printf("authority  %s\n", authority);
}

static void command_update(void)
{
    if (map != NULL)
        update_now();
    else
        hal_printf("no updates without a usable flash layout\n");
}

static void command_memory(void)
{
    struct memory_use use;
    memory_measure(&use);
    hal_printf("memory: heap peak %u bytes, stack peak %u bytes\n", (unsigned)use.heap_peak,
               (unsigned)use.stack_peak);
    hal_printf("heap now %u of %u bytes, stack %u bytes, static RAM %u bytes (heap included)\n",
               (unsigned)use.heap_now, (unsigned)MEMORY_HEAP_BYTES, (unsigned)use.stack_size,
               (unsigned)use.static_bytes);
}

static void command_help(void);

static const struct {
    const char *name;
    void (*run)(void);
    const char *help;
} commands[] = {
    {"help", command_help, "this list"},
    {"version", command_version, "what runs"},
    {"status", command_status, "security, slots, network, server"},
    {"update", command_update, "ask the server now"},
    {"memory", command_memory, "peaks of heap and stack"},
    {"reboot", hal_reset, "reset the system"},
};

static void command_help(void)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        hal_printf("%-9s%s\n", commands[i].name, commands[i].help);
}

static void run_line(void)
{
    line[length] = '\0';
    length = 0;
    hal_printf("\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(line, commands[i].name) == 0) {
            commands[i].run();
            prompt();
            return;
        }
    }
    if (line[0] != '\0')
        hal_printf("unknown command \"%s\" (try help)\n", line);
    prompt();
}

static void take(int c)
{
    if (c == '\r' || c == '\n') {
        run_line();
    } else if (c == KEY_BACKSPACE || c == KEY_DELETE) {
        if (length > 0) {
            length--;
            hal_printf("\b \b");
        }
    } else if (c == KEY_CTRL_C || c == KEY_CTRL_U) {
        length = 0;
        hal_printf("\n");
        prompt();
    } else if (c >= ' ' && length < LINE_BYTES - 1) {
        line[length++] = (char)c;
        hal_uart_putc((char)c);
    }
}

void console_init(const struct flash_map *flash, const struct settings *of_device)
{
    map = flash;
    settings = of_device;
}

bool console_poll(void)
{
    int c = hal_uart_getc();
    if (c >= 0)
        take(c);
    return c >= 0;
}
