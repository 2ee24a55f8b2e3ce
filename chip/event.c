/* chip/event.c: what is due when. A handful of events are pending at any time, so the earliest is
 * kept and recomputed only when it goes. */
#include "chip/state.h"

void chip_events_init(struct chip *chip)
{
    for (size_t i = 0; i < CHIP_MAX_PERIPHERALS * CHIP_EVENT_IDS; i++)
        chip->events[i].deadline = UINT64_MAX;
    chip->next_event = UINT64_MAX;
}

static size_t event_count(void)
{
    return chip_peripheral_count * CHIP_EVENT_IDS;
}

static uint64_t earliest(const struct chip *chip)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < event_count(); i++) {
        if (chip->events[i].deadline < first)
            first = chip->events[i].deadline;
    }
    return first;
}

bool chip_watchdog_runs(const struct chip *chip)
{
    for (size_t i = CHIP_EVENT_WATCHDOG; i < event_count(); i += CHIP_EVENT_IDS) {
        if (chip->events[i].deadline != UINT64_MAX)
            return true;
    }
    return false;
}

void chip_schedule(struct chip *chip, const struct peripheral *self, unsigned id, uint64_t deadline,
                   void (*fire)(struct chip *chip, unsigned id))
{
    struct event *event = &chip->events[chip_slot(chip, self) * CHIP_EVENT_IDS + id];
    uint64_t before = event->deadline, now = core_now(&chip->core);
    if (deadline <= now) /* never within an instruction, nor twice at one instant */
        deadline = now + 1;
    event->deadline = deadline;
    event->fire = fire;
    if (deadline <= chip->next_event)
        chip->next_event = deadline;
    else if (before == chip->next_event)
        chip->next_event = earliest(chip);
    if (chip->next_event < chip->core.stop_at)
        chip->core.attention = true;
}

void chip_events_fire(struct chip *chip)
{
    uint64_t now = core_now(&chip->core);
    while (chip->next_event <= now) {
        uint64_t due = chip->next_event;
        size_t i = 0;
        while (chip->events[i].deadline != due)
            i++;
        chip->events[i].deadline = UINT64_MAX;
        chip->next_event = earliest(chip);
        chip->events[i].fire(chip, (unsigned)(i % CHIP_EVENT_IDS));
    }
}
