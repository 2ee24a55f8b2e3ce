/* device/app/memory.h: the heap, and how much of heap and stack was ever used.
 *
 * Only TLS uses the heap. lwIP and everything else is static.
 */
#ifndef DEVICE_APP_MEMORY_H
#define DEVICE_APP_MEMORY_H

#include <stddef.h>

#define MEMORY_HEAP_BYTES (80u * 1024)

struct memory_use {
    size_t static_bytes;        /* code in SRAM, data, zeroed data, the heap's array included */
    size_t heap_now, heap_peak; /* with the allocator's own headers */
    size_t stack_peak, stack_size;
};

void memory_init(void);
void memory_measure(struct memory_use *use);

#endif
