/* Wide counts out of narrow ones, and a watchdog's patience. */
#include "timing.h"

/*
 * The dearest opcodes take some 40 instructions, a call 200; code that is not in the cache comes from flash, and bytes
 * moved by memory.init are counted by no budget.
 */
#define CYCLES_PER_OPCODE 200u
#define LEAST_MILLISECONDS 1000u
#define MOST_MILLISECONDS (24u * 3600u * 1000u)
#define HALF_A_WRAP 0x80000000u

uint64_t wamlet_widen_cycles(uint32_t cycles, uint64_t microseconds, uint32_t cycles_per_microsecond)
{
    uint64_t expected = microseconds * cycles_per_microsecond;
    /* How far the counter is ahead of the expected count, or, where that is more than half a wrap, behind it. */
    uint32_t ahead = cycles - (uint32_t)expected;
    if (ahead < HALF_A_WRAP)
        return expected + ahead;
    uint32_t behind = (uint32_t)expected - cycles;
    /* Before the first wrap nothing lies below zero. */
    return expected >= behind ? expected - behind : cycles;
}

uint32_t wamlet_patience(uint64_t opcodes, uint32_t cycles_per_microsecond)
{
    uint64_t cycles_per_millisecond = (uint64_t)cycles_per_microsecond * 1000u;
    /* Divided first, for a manifest may claim any budget. */
    uint64_t milliseconds = opcodes / cycles_per_millisecond * CYCLES_PER_OPCODE
                            + opcodes % cycles_per_millisecond * CYCLES_PER_OPCODE / cycles_per_millisecond;
    if (milliseconds > MOST_MILLISECONDS - LEAST_MILLISECONDS)
        return MOST_MILLISECONDS;
    return (uint32_t)milliseconds + LEAST_MILLISECONDS;
}
