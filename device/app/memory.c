/* device/app/memory.c: see memory.h. */
#include "device/app/memory.h"

#include <stdint.h>
#include <stdio.h>

#include "mbedtls/memory_buffer_alloc.h"

#include "device/hal/system.h"
#include "device/hal/uart.h"

#define PAINT       0xA5A5A5A5u /* start.S */
#define STACK_ALIGN 16u         /* RISC-V calling convention */

extern uint32_t app_stack_bottom[], app_stack_top[];
extern char app_static_ram[];

static unsigned char heap[MEMORY_HEAP_BYTES] __attribute__((aligned(8)));

/* Bytes the allocator puts before each block: eight words (memory_buffer_alloc.c). */
#define BLOCK_HEADER 32u

/* Where the allocator complains when it finds its heap damaged, before it calls exit(). */
static int put(char c, FILE *file)
{
    (void)file;
    hal_uart_putc(c);
    return 0;
}

static FILE console = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stderr = &console;

_Noreturn void _exit(int status);

_Noreturn void _exit(int status)
{
    (void)status;
    hal_reset();
}

/* What mbedTLS would call before memory_init(). */
void *memory_none(size_t count, size_t size)
{
    (void)count;
    (void)size;
    return NULL;
}

void memory_none_free(void *block)
{
    (void)block;
}

void memory_init(void)
{
    mbedtls_memory_buffer_alloc_init(heap, sizeof heap);
}

/* Interrupt handlers run on the same stack. The lowest word ever written may lie a little above the
 * lowest stack pointer, which moves in steps of STACK_ALIGN. */
static size_t stack_peak(void)
{
    const uint32_t *deepest = app_stack_bottom;
    while (deepest < app_stack_top && *deepest == PAINT)
        deepest++;
    size_t written = (size_t)((const char *)app_stack_top - (const char *)deepest);
    return (written + STACK_ALIGN - 1) / STACK_ALIGN * STACK_ALIGN;
}

void memory_measure(struct memory_use *use)
{
    size_t bytes, blocks;
    mbedtls_memory_buffer_alloc_cur_get(&bytes, &blocks);
    use->heap_now = bytes + blocks * BLOCK_HEADER;
    mbedtls_memory_buffer_alloc_max_get(&bytes, &blocks);
    use->heap_peak = bytes + blocks * BLOCK_HEADER;
    use->stack_peak = stack_peak();
    use->stack_size = (size_t)((const char *)app_stack_top - (const char *)app_stack_bottom);
    use->static_bytes = (size_t)(uintptr_t)app_static_ram;
}
