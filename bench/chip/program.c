/* bench/chip/program.c: the work that measures an RV32 machine's speed: what firmware does.
 *
 * Rounds of hashing (SHA-256), sorting (by comparison function, on records), text (formatting,
 * splitting, searching) and list walking over pseudo-random data; all of it ends in one checksum,
 * which start_*.S compares, so that a machine that computes wrongly is not measured.
 */
#include <stdint.h>

#define ROUNDS  1000u
#define RECORDS 512u
#define TEXT    4096u

static uint32_t random_state;

static uint32_t random_word(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* SHA-256, FIPS 180-4. The constants are computed at start: fractional parts of cube roots need no
 * table here, any fixed words do for a benchmark, so they come from the generator. */
static uint32_t round_constant[64];

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value >> bits | value << (32 - bits);
}

static void hash_block(uint32_t state[8], const uint8_t *block)
{
    uint32_t word[64], v[8];
    for (unsigned i = 0; i < 16; i++)
        word[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                  (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < 64; i++) {
        uint32_t s0 = rotate(word[i - 15], 7) ^ rotate(word[i - 15], 18) ^ word[i - 15] >> 3;
        uint32_t s1 = rotate(word[i - 2], 17) ^ rotate(word[i - 2], 19) ^ word[i - 2] >> 10;
        word[i] = word[i - 16] + s0 + word[i - 7] + s1;
    }
    for (unsigned i = 0; i < 8; i++)
        v[i] = state[i];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + choice + round_constant[i] + word[i];
        uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        v[7] = v[6], v[6] = v[5], v[5] = v[4], v[4] = v[3] + t1;
        v[3] = v[2], v[2] = v[1], v[1] = v[0], v[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++)
        state[i] += v[i];
}

/* Records, sorted by a comparison through a function pointer. */
struct record {
    uint32_t key;
    uint16_t length;
    uint8_t kind;
    struct record *next;
};

static struct record records[RECORDS];

static int by_key(const struct record *a, const struct record *b)
{
    return a->key < b->key ? -1 : a->key > b->key;
}

static int by_kind(const struct record *a, const struct record *b)
{
    return a->kind != b->kind ? (int)a->kind - (int)b->kind : (int)a->length - (int)b->length;
}

static void sort(struct record *base, unsigned count,
                 int (*compare)(const struct record *, const struct record *))
{
    while (count > 1) {
        struct record pivot = base[(count - 1) / 2];
        int i = -1, j = (int)count;
        for (;;) {
            do
                i++;
            while (compare(&base[i], &pivot) < 0);
            do
                j--;
            while (compare(&base[j], &pivot) > 0);
            if (i >= j)
                break;
            struct record swap = base[i];
            base[i] = base[j];
            base[j] = swap;
        }
        unsigned left = (unsigned)j + 1;
        sort(base, left, compare);
        base += left;
        count -= left;
    }
}

/* Text. */
static char text[TEXT];

static char *put_number(char *at, uint32_t value)
{
    char digits[10];
    unsigned count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (count != 0)
        *at++ = digits[--count];
    return at;
}

static uint32_t text_work(void)
{
    char *at = text;
    uint32_t sum = 0, number = 0, found = 0;
    while (at < text + TEXT - 16) {
        at = put_number(at, random_word());
        *at = at[-1] & 1 ? ',' : ' ';
        at++;
    }
    *at = 0;
    for (const char *c = text; *c; c++) {
        if (*c >= '0' && *c <= '9') {
            number = 10 * number + (uint32_t)(*c - '0');
        } else {
            sum += number;
            number = 0;
        }
    }
    for (const char *c = text; *c; c++) {
        static const char wanted[] = "42,";
        unsigned i = 0;
        while (wanted[i] && c[i] == wanted[i])
            i++;
        found += wanted[i] == 0;
    }
    return sum ^ found << 20;
}

static uint32_t record_work(void)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < RECORDS; i++) {
        uint32_t word = random_word();
        records[i] = (struct record){
            .key = word, .length = (uint16_t)(word >> 7), .kind = (uint8_t)(word >> 27)};
    }
    sort(records, RECORDS, by_key);
    sum += records[RECORDS / 3].key;
    sort(records, RECORDS, by_kind);
    for (unsigned i = 0; i + 1 < RECORDS; i++)
        records[i].next = &records[i + 1];
    for (const struct record *r = records; r != 0; r = r->next)
        sum = rotate(sum, 1) + r->length + r->key;
    records[RECORDS - 1].next = 0;
    return sum;
}

uint32_t benchmark(void)
{
    uint32_t state[8] = {1, 2, 3, 4, 5, 6, 7, 8}, sum = 0;
    random_state = 0x9E3779B9u;
    for (unsigned i = 0; i < 64; i++)
        round_constant[i] = random_word();
    for (unsigned round = 0; round < ROUNDS; round++) {
        sum = rotate(sum, 5) ^ text_work();
        sum += record_work();
        for (unsigned i = 0; i + 64 <= TEXT; i += 64)
            hash_block(state, (const uint8_t *)text + i);
    }
    return sum ^ state[0];
}
