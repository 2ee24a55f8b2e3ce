/* fleet/sectors.c: see sectors.h. A hash table of chains under one lock; hashing is outside it. */
#include "fleet/sectors.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS 4096u

struct sectors {
    pthread_mutex_t lock;
    size_t count;
    struct sector *chain[CHAINS];
};

/* FNV-1a over words: collisions cost a comparison, nothing else. */
static uint64_t hash_of(const uint8_t bytes[SECTOR_BYTES])
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < SECTOR_BYTES; i += sizeof hash) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        hash = (hash ^ word) * 0x100000001B3u;
        hash ^= hash >> 29;
    }
    return hash;
}

struct sectors *sectors_new(void)
{
    struct sectors *sectors = calloc(1, sizeof *sectors);
    if (sectors != NULL && pthread_mutex_init(&sectors->lock, NULL) != 0) {
        free(sectors);
        return NULL;
    }
    return sectors;
}

void sectors_free(struct sectors *sectors)
{
    if (sectors == NULL)
        return;
    pthread_mutex_destroy(&sectors->lock);
    free(sectors);
}

static struct sector *find(const struct sectors *sectors, uint64_t hash, const uint8_t *bytes)
{
    struct sector *sector = sectors->chain[hash % CHAINS];
    while (sector != NULL &&
           (sector->hash != hash || memcmp(sector->bytes, bytes, SECTOR_BYTES) != 0))
        sector = sector->next;
    return sector;
}

static struct sector *add(struct sectors *sectors, uint64_t hash, const uint8_t *bytes)
{
    struct sector *sector = malloc(sizeof *sector);
    if (sector == NULL)
        return NULL;
    *sector = (struct sector){.next = sectors->chain[hash % CHAINS], .hash = hash};
    memcpy(sector->bytes, bytes, SECTOR_BYTES);
    sectors->chain[hash % CHAINS] = sector;
    sectors->count++;
    return sector;
}

const struct sector *sectors_take(struct sectors *sectors, const uint8_t bytes[SECTOR_BYTES])
{
    uint64_t hash = hash_of(bytes);
    pthread_mutex_lock(&sectors->lock);
    struct sector *sector = find(sectors, hash, bytes);
    if (sector == NULL)
        sector = add(sectors, hash, bytes);
    if (sector != NULL)
        sector->references++;
    pthread_mutex_unlock(&sectors->lock);
    return sector;
}

/* The store's own sectors; callers see them read-only. */
static struct sector *own(const struct sector *sector)
{
    return (struct sector *)(uintptr_t)sector;
}

const struct sector *sectors_share(struct sectors *sectors, const struct sector *sector)
{
    pthread_mutex_lock(&sectors->lock);
    own(sector)->references++;
    pthread_mutex_unlock(&sectors->lock);
    return sector;
}

void sectors_drop(struct sectors *sectors, const struct sector *sector)
{
    if (sector == NULL)
        return;
    pthread_mutex_lock(&sectors->lock);
    if (--own(sector)->references == 0) {
        struct sector **link = &sectors->chain[sector->hash % CHAINS];
        while (*link != sector)
            link = &(*link)->next;
        *link = sector->next;
        sectors->count--;
        free(own(sector));
    }
    pthread_mutex_unlock(&sectors->lock);
}

size_t sectors_count(struct sectors *sectors)
{
    pthread_mutex_lock(&sectors->lock);
    size_t count = sectors->count;
    pthread_mutex_unlock(&sectors->lock);
    return count;
}
