/* chip/pcap.h: frames into a classic pcap file (little-endian, microseconds, link type Ethernet).
 */
#ifndef CHIP_PCAP_H
#define CHIP_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Creates or replaces the file and writes its header; NULL on failure. The caller closes it. */
FILE *pcap_create(const char *path);

/* One frame at `nanoseconds`; false when it could not be written. */
bool pcap_write(FILE *file, uint64_t nanoseconds, const uint8_t *frame, size_t length);

#endif
