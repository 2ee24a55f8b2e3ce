/* otadata: the plans of chain/otadata.c against every state that can be reached, and every cut.
 *
 * Method. A world is the 64 bytes of the two records, plus what only the test knows: which slot was
 * last known good, and where the model of ESP-IDF stands. Beginning with two empty records,
 * all sequences of actions (reset, set_boot to any slot, confirm, reject) are followed to DEPTH,
 * for one to three slots. For each write planned on the way, power is cut after the erase and after
 * each prefix of the record; the device is then reset until it settles, and must have chosen
 *
 *   - what it would have chosen without the write, or with the whole write, or
 *   - the slot last known good;
 *
 * and something, when there was something to choose; nor may a device with a history look blank.
 * The worlds left by cuts are themselves starting points, so cuts upon cuts are covered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chain/bytes.h"
#include "chain/otadata.h"

#define NONE      (-1)
#define DEPTH     9
#define SLOTS_MAX 3u

struct flash {
    uint8_t record[2][OTADATA_RECORD_BYTES];
};

static struct flash flash_empty(void)
{
    struct flash flash;
    memset(&flash, 0xFF, sizeof flash);
    return flash;
}

static struct otadata read_back(const struct flash *flash)
{
    struct otadata ota;
    otadata_parse(flash->record[0], flash->record[1], &ota);
    return ota;
}

/* Erase, then write the first `written` bytes. */
static struct flash applied(struct flash flash, const struct otadata_write *write, size_t written)
{
    if (write->index >= 0) {
        memset(flash.record[write->index], 0xFF, OTADATA_RECORD_BYTES);
        memcpy(flash.record[write->index], write->bytes, written);
    }
    return flash;
}

static int chosen_slot(const struct flash *flash, unsigned slots)
{
    const struct otadata ota = read_back(flash);
    const int active = otadata_active(&ota);
    return active < 0 ? NONE : (int)otadata_slot(ota.record[active].seq, slots);
}

static uint32_t chosen_state(const struct flash *flash)
{
    const struct otadata ota = read_back(flash);
    const int active = otadata_active(&ota);
    return active < 0 ? OTADATA_ABORTED : ota.record[active].state;
}

static bool chosen_verified(const struct flash *flash)
{
    const uint32_t state = chosen_state(flash);
    return state == OTADATA_VALID || state == (uint32_t)OTADATA_UNDEFINED;
}

/* Neither record says anything: what a bootloader takes for a device just shipped. */
static bool looks_blank(const struct flash *flash)
{
    const struct otadata ota = read_back(flash);
    uint32_t state;
    return !otadata_slot_state(&ota, 1, 0, &state);
}

/* One whole reset; the slot that boots. */
static int reset(struct flash *flash, unsigned slots)
{
    bool trial = false;
    for (int step = 0; step <= OTADATA_BOOT_STEPS_MAX; step++) {
        const struct otadata ota = read_back(flash);
        const struct otadata_write write = otadata_boot_step(&ota, slots, &trial);
        if (write.index < 0)
            return chosen_slot(flash, slots);
        *flash = applied(*flash, &write, OTADATA_RECORD_BYTES);
    }
    fail_msg("the boot steps do not end");
    return NONE;
}

/* The slot a device ends on that resets again and again without a verdict. */
static int settled(struct flash flash, unsigned slots)
{
    int slot = NONE;
    for (int i = 0; i < 4; i++)
        slot = reset(&flash, slots);
    return slot;
}

/* ---- the bootloader of ESP-IDF, from formats.md 4.1, as the model of compatibility ---- */

static bool idf_readable(const uint8_t *record)
{
    uint8_t same[OTADATA_RECORD_BYTES];
    otadata_record_build(same, le32_load(record), 0);
    return le32_load(record) != 0xFFFFFFFFu && memcmp(same + 28, record + 28, 4) == 0;
}

static bool idf_valid(const uint8_t *record)
{
    const uint32_t state = le32_load(record + 24);
    return idf_readable(record) && state != OTADATA_INVALID && state != OTADATA_ABORTED;
}

static int idf_active(const struct flash *flash)
{
    const bool valid[2] = {idf_valid(flash->record[0]), idf_valid(flash->record[1])};
    if (valid[0] && valid[1])
        return le32_load(flash->record[0]) >= le32_load(flash->record[1]) ? 0 : 1;
    return valid[0] ? 0 : valid[1] ? 1 : NONE;
}

static void idf_state(struct flash *flash, int index, uint32_t state)
{
    le32_store(flash->record[index] + 24, state);
}

static int idf_reset(struct flash *flash, unsigned slots)
{
    for (int i = 0; i < 2; i++) {
        if (le32_load(flash->record[i] + 24) == OTADATA_PENDING_VERIFY)
            idf_state(flash, i, OTADATA_ABORTED);
    }
    const int active = idf_active(flash);
    if (active < 0)
        return NONE;
    if (le32_load(flash->record[active] + 24) == OTADATA_NEW)
        idf_state(flash, active, OTADATA_PENDING_VERIFY);
    return (int)((le32_load(flash->record[active]) - 1) % slots);
}

static void idf_set_boot(struct flash *flash, unsigned slots, unsigned slot)
{
    const int active = idf_active(flash);
    uint32_t seq = slot + 1;
    int index = 0;
    if (active >= 0) {
        const uint32_t current = le32_load(flash->record[active]);
        while (seq < current)
            seq += slots;
        index = seq == current ? active : 1 - active;
    }
    otadata_record_build(flash->record[index], seq, OTADATA_NEW);
}

/* ---- every action from every world ---- */

enum action { RESET, CONFIRM, REJECT, SET_BOOT /* + slot */ };

struct world {
    struct flash flash;
    int good; /* slot last seen to boot verified and not rejected since; NONE */
};

struct search {
    unsigned slots;
    size_t writes, cuts; /* counted, so that the search cannot silently become empty */
    size_t seen_count;
    struct {
        struct world world;
        int depth;
    } seen[60000];
};

/* True when this world was not yet searched with at least so many actions left. */
static bool first_visit(struct search *search, const struct world *world, int depth)
{
    for (size_t i = 0; i < search->seen_count; i++) {
        if (memcmp(&search->seen[i].world, world, sizeof *world) == 0) {
            if (search->seen[i].depth >= depth)
                return false;
            search->seen[i].depth = depth;
            return true;
        }
    }
    assert_true(search->seen_count < sizeof search->seen / sizeof search->seen[0]);
    search->seen[search->seen_count].world = *world;
    search->seen[search->seen_count++].depth = depth;
    return true;
}

static void explore(struct search *search, struct world world, int depth);

/* Cut this write everywhere; then let it be whole. */
static void cut_everywhere(struct search *search, const struct world *world,
                           const struct otadata_write *write, int depth)
{
    static const size_t kept[] = {0, 1, 4, 16, 24, 25, 28, 29, 30, 31};
    const struct flash whole = applied(world->flash, write, OTADATA_RECORD_BYTES);
    const int before = settled(world->flash, search->slots);
    const int after = settled(whole, search->slots);
    struct flash first_before = world->flash, first_after = whole;
    const int next_before = reset(&first_before, search->slots);
    const int next_after = reset(&first_after, search->slots);
    search->writes++;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        struct world cut = *world;
        cut.flash = applied(world->flash, write, kept[i]);
        search->cuts++;
        assert_true(looks_blank(&world->flash) || !looks_blank(&cut.flash));
        struct flash next = cut.flash;
        const int first = reset(&next, search->slots);
        const int last = settled(cut.flash, search->slots);
        /* In the long run a good slot is never lost. */
        if (world->good != NONE)
            assert_true(last == before || last == after || last == world->good);
        if (before != NONE && after != NONE)
            assert_int_not_equal(last, NONE);
        /* And the very next boot is one of those that were meant, or the good one. */
        if (first != next_before && first != next_after && first != world->good)
            assert_int_equal(world->good, NONE);
        if (next_before != NONE && next_after != NONE)
            assert_int_not_equal(first, NONE);
        if (kept[i] == 0 || kept[i] == 16) /* the others read the same */
            explore(search, cut, depth - 1);
    }
}

static void act_reset(struct search *search, struct world world, int depth)
{
    bool trial = false;
    for (int step = 0;; step++) {
        assert_in_range(step, 0, OTADATA_BOOT_STEPS_MAX);
        const struct otadata ota = read_back(&world.flash);
        const struct otadata_write write = otadata_boot_step(&ota, search->slots, &trial);
        if (write.index < 0)
            break;
        cut_everywhere(search, &world, &write, depth);
        world.flash = applied(world.flash, &write, OTADATA_RECORD_BYTES);
    }
    const int slot = chosen_slot(&world.flash, search->slots);
    assert_int_equal(trial, slot != NONE && chosen_state(&world.flash) == OTADATA_PENDING_VERIFY);
    if (slot != NONE && chosen_verified(&world.flash))
        world.good = slot;
    explore(search, world, depth - 1);
}

static void act_write(struct search *search, struct world world, enum action action, int depth)
{
    const unsigned slots = search->slots;
    const struct otadata ota = read_back(&world.flash);
    const int running = chosen_slot(&world.flash, slots);
    struct otadata_write write;
    if (action == CONFIRM)
        write = otadata_confirm(&ota, slots);
    else if (action == REJECT)
        write = otadata_reject(&ota, slots);
    else
        write = otadata_set_boot(&ota, slots, action - SET_BOOT);
    if (write.index < 0)
        return;
    if (action == REJECT && chosen_verified(&world.flash))
        world.good = NONE; /* given up on purpose */
    cut_everywhere(search, &world, &write, depth);
    world.flash = applied(world.flash, &write, OTADATA_RECORD_BYTES);

    struct flash next = world.flash;
    const int booted = reset(&next, slots);
    if (action == CONFIRM) {
        assert_int_equal(settled(world.flash, slots), running);
        world.good = running;
    } else if (action == REJECT) {
        uint32_t state;
        assert_true(booted != running || chosen_verified(&next));
        const struct otadata now = read_back(&world.flash);
        assert_true(otadata_slot_state(&now, slots, (unsigned)running, &state));
        assert_int_equal(state, OTADATA_INVALID);
    } else {
        assert_int_equal(booted, action - SET_BOOT);
        assert_int_equal(chosen_state(&next), OTADATA_PENDING_VERIFY);
    }
    explore(search, world, depth - 1);
}

static void explore(struct search *search, struct world world, int depth)
{
    /* No good slot is ever unrecorded: resets without a verdict lead back to it. And ESP-IDF's own
     * bootloader, put on this device, would choose as ours does. */
    if (world.good != NONE) {
        struct flash ours = world.flash, theirs = world.flash;
        assert_int_equal(settled(world.flash, search->slots), world.good);
        assert_int_equal(idf_reset(&theirs, search->slots), reset(&ours, search->slots));
    }
    if (depth == 0 || !first_visit(search, &world, depth))
        return;
    act_reset(search, world, depth);
    act_write(search, world, CONFIRM, depth);
    act_write(search, world, REJECT, depth);
    for (unsigned slot = 0; slot < search->slots; slot++)
        act_write(search, world, (enum action)(SET_BOOT + slot), depth);
}

static void search_from(unsigned slots, const struct world *start)
{
    struct search *search = calloc(1, sizeof *search);
    assert_non_null(search);
    search->slots = slots;
    explore(search, *start, DEPTH);
    print_message("%u slots: %zu worlds, %zu writes, %zu cuts\n", slots, search->seen_count,
                  search->writes, search->cuts);
    assert_true(search->seen_count >= 20 && search->cuts >= 800);
    free(search);
}

static void no_cut_loses_a_good_slot(void **state)
{
    (void)state;
    for (unsigned slots = 1; slots <= SLOTS_MAX; slots++) {
        struct world blank = {.flash = flash_empty(), .good = NONE};
        search_from(slots, &blank);
        /* As shipped: slot 0 recorded by the bootloader, or by one without rollback. */
        static const uint32_t first[] = {OTADATA_VALID, (uint32_t)OTADATA_UNDEFINED};
        for (size_t i = 0; i < 2; i++) {
            struct world shipped = {.flash = flash_empty(), .good = 0};
            otadata_record_build(shipped.flash.record[0], 1, first[i]);
            search_from(slots, &shipped);
        }
    }
}

/* ---- without cuts: the meaning is ESP-IDF's ---- */

/* Follow the documented walk (updates only from a verified slot, to another one) on both. */
static void walk_beside_idf(struct flash ours, struct flash idf, unsigned slots, int depth,
                            size_t *compared)
{
    if (depth == 0)
        return;
    struct flash our_next = ours, idf_next = idf;
    const int slot = reset(&our_next, slots);
    assert_int_equal(slot, idf_reset(&idf_next, slots));
    (*compared)++;
    const uint32_t state = chosen_state(&our_next);
    walk_beside_idf(our_next, idf_next, slots, depth - 1, compared);
    if (state == OTADATA_PENDING_VERIFY) {
        const struct otadata ota = read_back(&our_next);
        struct otadata_write write = otadata_confirm(&ota, slots);
        struct flash confirmed = idf_next;
        idf_state(&confirmed, idf_active(&idf_next), OTADATA_VALID);
        walk_beside_idf(applied(our_next, &write, OTADATA_RECORD_BYTES), confirmed, slots,
                        depth - 1, compared);
        write = otadata_reject(&ota, slots);
        struct flash rejected = idf_next;
        idf_state(&rejected, idf_active(&idf_next), OTADATA_INVALID);
        walk_beside_idf(applied(our_next, &write, OTADATA_RECORD_BYTES), rejected, slots, depth - 1,
                        compared);
        return;
    }
    for (unsigned to = 0; to < slots; to++) {
        if ((int)to == slot)
            continue;
        const struct otadata ota = read_back(&our_next);
        const struct otadata_write write = otadata_set_boot(&ota, slots, to);
        struct flash updated = idf_next;
        idf_set_boot(&updated, slots, to);
        walk_beside_idf(applied(our_next, &write, OTADATA_RECORD_BYTES), updated, slots, depth - 1,
                        compared);
    }
}

static void same_choices_as_idf(void **state)
{
    (void)state;
    for (unsigned slots = 1; slots <= SLOTS_MAX; slots++) {
        size_t compared = 0;
        const struct otadata_write initial = otadata_initial(0);
        const struct flash shipped = applied(flash_empty(), &initial, OTADATA_RECORD_BYTES);
        walk_beside_idf(flash_empty(), flash_empty(), slots, 10, &compared);
        walk_beside_idf(shipped, shipped, slots, 10, &compared);
        assert_true(compared > 20);
    }
}

/* A verified slot and an update: the bytes written are ESP-IDF's, in the same sectors. */
static void same_bytes_as_idf_in_the_usual_update(void **state)
{
    (void)state;
    const struct otadata_write initial = otadata_initial(0);
    struct flash ours = applied(flash_empty(), &initial, OTADATA_RECORD_BYTES);
    struct flash idf = ours;
    for (unsigned round = 1; round < 6; round++) {
        struct otadata ota = read_back(&ours);
        struct otadata_write write = otadata_set_boot(&ota, 2, round % 2);
        ours = applied(ours, &write, OTADATA_RECORD_BYTES);
        idf_set_boot(&idf, 2, round % 2);
        assert_memory_equal(&ours, &idf, sizeof ours);
        assert_int_equal(reset(&ours, 2), round % 2);
        idf_reset(&idf, 2);
        assert_memory_equal(&ours, &idf, sizeof ours);
        ota = read_back(&ours);
        write = otadata_confirm(&ota, 2);
        ours = applied(ours, &write, OTADATA_RECORD_BYTES);
        idf_state(&idf, idf_active(&idf), OTADATA_VALID);
        assert_memory_equal(&ours, &idf, sizeof ours);
    }
}

/* ---- single facts ---- */

static struct otadata two(uint32_t seq0, uint32_t state0, uint32_t seq1, uint32_t state1)
{
    struct flash flash;
    otadata_record_build(flash.record[0], seq0, state0);
    otadata_record_build(flash.record[1], seq1, state1);
    return read_back(&flash);
}

static void record_bytes(void **state)
{
    (void)state;
    static const struct {
        uint32_t seq, crc;
    } vectors[] = {{1, 0x4743989A}, {2, 0x55F63774}, {3, 0xED4A5011}}; /* formats.md 4 */
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[OTADATA_RECORD_BYTES];
        uint8_t label[20];
        memset(label, 0xFF, sizeof label);
        otadata_record_build(bytes, vectors[i].seq, OTADATA_VALID);
        assert_int_equal(le32_load(bytes), vectors[i].seq);
        assert_memory_equal(bytes + 4, label, sizeof label);
        assert_int_equal(le32_load(bytes + 24), 2);
        assert_int_equal(le32_load(bytes + 28), vectors[i].crc);
    }
    const struct otadata_write initial = otadata_initial(2);
    assert_int_equal(initial.index, 0);
    assert_int_equal(le32_load(initial.bytes), 3);
    assert_int_equal(le32_load(initial.bytes + 24), OTADATA_VALID);
}

static void bootable_and_active(void **state)
{
    (void)state;
    const uint32_t undefined = (uint32_t)OTADATA_UNDEFINED;
    struct otadata ota = two(1, OTADATA_VALID, 2, undefined);
    assert_int_equal(otadata_active(&ota), 1);
    ota = two(2, OTADATA_VALID, 2, OTADATA_VALID);
    assert_int_equal(otadata_active(&ota), 0); /* a tie */
    ota = two(7, OTADATA_ABORTED, 6, OTADATA_NEW);
    assert_int_equal(otadata_active(&ota), 1);
    ota = two(7, OTADATA_ABORTED, 6, OTADATA_INVALID);
    assert_int_equal(otadata_active(&ota), NONE);
    ota = two(9, OTADATA_VALID, 3, OTADATA_VALID);
    ota.record[0].crc ^= 1u << 31;
    assert_int_equal(otadata_active(&ota), 1);
    /* Sequence 0 has the CRC that erased flash shows: an unfinished write must not boot. */
    ota = two(0, OTADATA_VALID, 0xFFFFFFFF, OTADATA_VALID);
    assert_int_equal(ota.record[0].crc, 0xFFFFFFFF);
    assert_int_equal(otadata_active(&ota), NONE);
}

static void slot_state_is_the_newest_statement(void **state)
{
    (void)state;
    uint32_t found = 99;
    struct otadata ota = two(3, OTADATA_PENDING_VERIFY, 5, OTADATA_ABORTED);
    assert_true(otadata_slot_state(&ota, 2, 0, &found)); /* both name slot 0 */
    assert_int_equal(found, OTADATA_ABORTED);
    assert_false(otadata_slot_state(&ota, 2, 1, &found));
    ota = two(3, OTADATA_VALID, 4, OTADATA_INVALID);
    assert_true(otadata_slot_state(&ota, 2, 1, &found));
    assert_int_equal(found, OTADATA_INVALID);
}

static void second_choice_replaces_the_untried_one(void **state)
{
    (void)state;
    const struct otadata ota = two(4, OTADATA_VALID, 5, OTADATA_NEW);
    const struct otadata_write write = otadata_set_boot(&ota, 3, 2);
    assert_int_equal(write.index, 1); /* not the rollback target in sector 0 */
    assert_int_equal(le32_load(write.bytes), 6);
}

static void nothing_to_write(void **state)
{
    (void)state;
    bool trial = false;
    struct otadata ota = two(1, OTADATA_VALID, 2, OTADATA_ABORTED);
    assert_int_equal(otadata_confirm(&ota, 2).index, NONE);
    assert_int_equal(otadata_reject(&ota, 2).index, NONE); /* the only good slot */
    assert_int_equal(otadata_boot_step(&ota, 2, &trial).index, NONE);
    assert_int_equal(otadata_set_boot(&ota, 2, 2).index, NONE); /* no such slot */
    assert_int_equal(otadata_set_boot(&ota, 0, 0).index, NONE);
    assert_int_equal(otadata_boot_step(&ota, 0, &trial).index, NONE);
    ota = two(0xFFFFFFFF, 0, 0xFFFFFFFF, 0);
    assert_int_equal(otadata_confirm(&ota, 2).index, NONE);
    assert_int_equal(otadata_reject(&ota, 2).index, NONE);
    assert_int_equal(otadata_boot_step(&ota, 2, &trial).index, NONE);
    assert_false(trial);
}

/* The end of the sequence numbers: nothing wraps, and the boot steps still end. */
static void sequence_numbers_end(void **state)
{
    (void)state;
    static const uint32_t top = 0xFFFFFFFE;
    struct otadata ota = two(top, OTADATA_VALID, 1, OTADATA_VALID);
    assert_int_equal(otadata_set_boot(&ota, 2, 0).index, NONE);
    ota = two(top - 1, OTADATA_VALID, 1, OTADATA_VALID); /* slot 0 of 2 */
    assert_int_equal(le32_load(otadata_set_boot(&ota, 2, 1).bytes), top);
    assert_int_equal(otadata_set_boot(&ota, 2, 0).index, NONE);
    for (uint32_t s = 0; s < 5; s++) {
        struct flash flash = flash_empty();
        otadata_record_build(flash.record[0], top, s);
        const int slot = reset(&flash, 2);
        assert_int_equal(slot, s == OTADATA_NEW || s == OTADATA_VALID ? 1 : NONE);
    }
}

/* Any two records at all: the boot steps end, and never turn a verified record into an unbootable
 * one. */
static void boot_steps_end_from_anything(void **state)
{
    (void)state;
    static const uint32_t seqs[] = {0, 1, 2, 3, 4, 0x7FFFFFFF, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF};
    static const uint32_t states[] = {0, 1, 2, 3, 4, 5, 0xFFFFFFFF};
    enum { SEQS = sizeof seqs / sizeof seqs[0], STATES = sizeof states / sizeof states[0] };
    for (unsigned n = 0; n < SEQS * SEQS * STATES * STATES * 4 * SLOTS_MAX; n++) {
        unsigned pick = n;
        struct flash flash;
        bool good = false;
        for (int i = 0; i < 2; i++) {
            const uint32_t seq = seqs[pick % SEQS];
            pick /= SEQS;
            const uint32_t raw = states[pick % STATES];
            pick /= STATES;
            otadata_record_build(flash.record[i], seq, raw);
            const bool broken = pick % 2 == 1;
            pick /= 2;
            flash.record[i][31] ^= broken ? 0x10 : 0;
            good |= !broken && seq != 0 && seq != 0xFFFFFFFF && (raw == 2 || raw >= 5);
        }
        const int slot = reset(&flash, pick + 1);
        if (good)
            assert_int_not_equal(slot, NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_bytes),
        cmocka_unit_test(bootable_and_active),
        cmocka_unit_test(slot_state_is_the_newest_statement),
        cmocka_unit_test(second_choice_replaces_the_untried_one),
        cmocka_unit_test(nothing_to_write),
        cmocka_unit_test(sequence_numbers_end),
        cmocka_unit_test(boot_steps_end_from_anything),
        cmocka_unit_test(same_bytes_as_idf_in_the_usual_update),
        cmocka_unit_test(same_choices_as_idf),
        cmocka_unit_test(no_cut_loses_a_good_slot),
    };
    return cmocka_run_group_tests_name("otadata", tests, NULL, NULL);
}
