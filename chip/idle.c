/* chip/idle.c: what happens while the core waits in wfi, and how virtual time keeps step with real
 * time when a network is attached.
 *
 * Without a network there is nothing to wait for but the next event: time jumps there. With one,
 * the host waits until real time has come to the event, and frames may arrive before. When the
 * host fell behind by more than HOST_LAG_NS (it was suspended, or too slow), that time is given up
 * instead of being made up for.
 */
#include <time.h>

#include "chip/state.h"

#define HOST_LAG_NS   100000000
#define HOST_WAIT_NS  20000000 /* at most at a time, so that chip_stop() is seen */
#define POLL_INTERVAL (1000u * SOC_CPU_MHZ)

static int64_t host_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t to_ns(uint64_t instructions)
{
    return (int64_t)(instructions / SOC_CPU_MHZ * 1000 +
                     instructions % SOC_CPU_MHZ * 1000 / SOC_CPU_MHZ);
}

static uint64_t to_instructions(int64_t ns)
{
    return ns <= 0 ? 0
                   : (uint64_t)ns / 1000 * SOC_CPU_MHZ + (uint64_t)ns % 1000 * SOC_CPU_MHZ / 1000;
}

void chip_poll_network(struct chip *chip)
{
    uint64_t now = core_now(&chip->core);
    if (!chip->config.network || now < chip->next_poll)
        return;
    chip->next_poll = now + POLL_INTERVAL;
    chip_network_poll(chip);
}

/* Let real time and host sockets decide how far virtual time gets, at most to `deadline`. */
static void sleep_with_network(struct chip *chip, uint64_t deadline)
{
    struct core *core = &chip->core;
    int64_t elapsed = host_ns() - chip->real_base_ns;
    int64_t lag = elapsed - to_ns(core_now(core));
    if (chip->real_base_ns == 0 || lag > HOST_LAG_NS) {
        chip->real_base_ns = host_ns() - to_ns(core_now(core));
        elapsed = to_ns(core_now(core));
    }
    int64_t wait = deadline == UINT64_MAX ? HOST_WAIT_NS : to_ns(deadline) - elapsed;
    if (wait > HOST_WAIT_NS)
        wait = HOST_WAIT_NS;
    chip_network_wait(chip, wait > 0 ? (uint64_t)wait : 0);
    uint64_t reached = to_instructions(host_ns() - chip->real_base_ns);
    core_skip(core, reached < deadline ? reached : deadline);
}

bool chip_sleep(struct chip *chip, uint64_t limit)
{
    uint64_t deadline = chip->next_event;
    if (deadline == UINT64_MAX && !chip->config.network)
        return false;
    if (deadline > limit)
        deadline = limit;
    if (chip->config.network)
        sleep_with_network(chip, deadline);
    else
        core_skip(&chip->core, deadline);
    return true;
}
