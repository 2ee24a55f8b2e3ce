/* server/api/quota.c: see server/api/quota.h. Token buckets in a table of small sets. */
#include "server/api/quota.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

#define WAYS  4u
#define SETS  (QUOTA_IDENTITIES / WAYS)
#define LOCKS 64u
#define TICKET                                                                                     \
    1000 /* of a bucket's contents, one request; `rate` of it is refilled a millisecond */

struct bucket {
    uint64_t who; /* 0: free */
    int64_t at;   /* when `left` was right */
    int64_t left;
};

struct quota {
    int64_t rate;
    uint64_t seed; /* so that nobody can choose names that share a set */
    pthread_mutex_t lock[LOCKS];
    struct bucket set[SETS][WAYS];
};

struct quota *quota_new(uint32_t rate)
{
    struct quota *quota = calloc(1, sizeof *quota);
    if (quota == NULL || RAND_bytes((unsigned char *)&quota->seed, sizeof quota->seed) != 1) {
        free(quota);
        return NULL;
    }
    quota->rate = rate;
    for (unsigned i = 0; i < LOCKS; i++)
        pthread_mutex_init(&quota->lock[i], NULL);
    return quota;
}

void quota_free(struct quota *quota)
{
    for (unsigned i = 0; quota != NULL && i < LOCKS; i++)
        pthread_mutex_destroy(&quota->lock[i]);
    free(quota);
}

/* FNV-1a, then mixed so that its low bits depend on everything. Never 0. */
static uint64_t digest(const struct quota *quota, int64_t tenant, const char *who)
{
    uint64_t hash = quota->seed ^ ((uint64_t)tenant * 0x9e3779b97f4a7c15u);
    for (; *who != '\0'; who++)
        hash = (hash ^ (unsigned char)*who) * 0x100000001b3u;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
    return (hash ^ hash >> 33) | 1;
}

/* Its own bucket, or the one that has been silent longest, emptied for it. */
static struct bucket *find(struct quota *quota, struct bucket *set, uint64_t who, int64_t now)
{
    struct bucket *oldest = &set[0];
    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].who == who)
            return &set[i];
        if (set[i].at < oldest->at)
            oldest = &set[i];
    }
    *oldest = (struct bucket){.who = who, .at = now, .left = quota->rate * QUOTA_BURST * TICKET};
    return oldest;
}

bool quota_take(struct quota *quota, int64_t tenant, const char *who, int64_t now)
{
    uint64_t key = digest(quota, tenant, who);
    uint64_t index = (key >> 1) % SETS;
    int64_t full = quota->rate * QUOTA_BURST * TICKET;
    pthread_mutex_lock(&quota->lock[index % LOCKS]);
    struct bucket *bucket = find(quota, quota->set[index], key, now);
    int64_t since = now > bucket->at ? now - bucket->at : 0;
    bucket->left += since < QUOTA_BURST * 1000 ? since * quota->rate : full;
    if (bucket->left > full)
        bucket->left = full;
    bucket->at = now; /* also when the clock was put back: nobody waits for the old time */
    bool may = bucket->left >= TICKET;
    bucket->left -= may ? TICKET : 0;
    pthread_mutex_unlock(&quota->lock[index % LOCKS]);
    return may;
}
