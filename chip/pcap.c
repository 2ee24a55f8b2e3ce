/* chip/pcap.c: see pcap.h. Each record is flushed: the file is whole whenever the process dies. */
#include "chip/pcap.h"

#include "chain/bytes.h"

#define PCAP_MAGIC         0xA1B2C3D4u
#define PCAP_VERSION       (2u | 4u << 16)
#define PCAP_SNAP_BYTES    65535u
#define PCAP_LINK_ETHERNET 1u

FILE *pcap_create(const char *path)
{
    uint8_t header[24] = {0}; /* the zone and the accuracy fields are always zero */
    le32_store(header, PCAP_MAGIC);
    le32_store(header + 4, PCAP_VERSION);
    le32_store(header + 16, PCAP_SNAP_BYTES);
    le32_store(header + 20, PCAP_LINK_ETHERNET);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return NULL;
    if (fwrite(header, sizeof(header), 1, file) == 1 && fflush(file) == 0)
        return file;
    fclose(file);
    return NULL;
}

bool pcap_write(FILE *file, uint64_t nanoseconds, const uint8_t *frame, size_t length)
{
    uint8_t record[16];
    le32_store(record, (uint32_t)(nanoseconds / 1000000000));
    le32_store(record + 4, (uint32_t)(nanoseconds % 1000000000 / 1000));
    le32_store(record + 8, (uint32_t)length);
    le32_store(record + 12, (uint32_t)length);
    return fwrite(record, sizeof(record), 1, file) == 1 && fwrite(frame, length, 1, file) == 1 &&
           fflush(file) == 0;
}
