/* fleet/script.c: see script.h. */
#include "fleet/script.h"

#include <stdlib.h>
#include <string.h>

uint64_t script_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

uint64_t script_seed(const struct script *script, size_t device)
{
    uint64_t state = script->seed ^ 0xD1B54A32D192ED03u * ((uint64_t)device + 1);
    return script_random(&state);
}

/* The first `count` of a shuffled list of all. */
static void draw(uint32_t *list, size_t devices, size_t count, uint64_t random, uint8_t bit,
                 uint8_t *behaviour)
{
    for (size_t i = 0; i < devices; i++)
        list[i] = (uint32_t)i;
    for (size_t i = 0; i < count && i < devices; i++) {
        size_t other = i + (size_t)(script_random(&random) % (devices - i));
        uint32_t drawn = list[other];
        list[other] = list[i];
        behaviour[drawn] |= bit;
    }
}

bool script_draw(const struct script *script, size_t devices, uint8_t *behaviour)
{
    uint32_t *list = calloc(devices, sizeof *list);
    if (list == NULL)
        return false;
    memset(behaviour, 0, devices);
    for (unsigned kind = 0; kind < SCRIPT_KINDS; kind++) {
        size_t count = (size_t)((double)devices * script->percent[kind] / 100 + 0.5);
        uint64_t random = script->seed + 0xA0761D6478BD642Fu * (kind + 1);
        draw(list, devices, count, random, (uint8_t)(1u << kind), behaviour);
    }
    free(list);
    return true;
}
