/* chain/md5.h: MD5 (RFC 1321), only as the partition table's integrity record: never for trust. */
#ifndef CHAIN_MD5_H
#define CHAIN_MD5_H

#include <stddef.h>
#include <stdint.h>

void md5(const void *bytes, size_t length, uint8_t digest[16]);

#endif
