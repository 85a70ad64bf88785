/*
 * Counters: executed instructions where the kernel lets this process have a hardware counter, else nanoseconds of
 * processor time, which are cycles of a clock of 1 GHz and are labelled so. Cycles of the processor are not guessed.
 */
#define _GNU_SOURCE
#include "counters.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int instructions = -1;

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void counters_open(struct wamlet_board *board)
{
    struct perf_event_attr event;
    uint64_t value;
    memset(&event, 0, sizeof event);
    event.type = PERF_TYPE_HARDWARE;
    event.size = sizeof event;
    event.config = PERF_COUNT_HW_INSTRUCTIONS;
    event.exclude_kernel = 1;
    event.exclude_hv = 1;
    instructions = (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (instructions >= 0 && read(instructions, &value, sizeof value) != sizeof value) {
        close(instructions);
        instructions = -1;
    }
    board->clock_hertz = 1000000000;
    board->counts_instructions = instructions >= 0;
    board->count_source = instructions >= 0 ? "instructions of this process, perf_event"
                                            : "nanoseconds of processor time, clock_gettime; not cycles";
}

uint64_t wamlet_port_count(void)
{
    uint64_t value;
    if (instructions >= 0 && read(instructions, &value, sizeof value) == sizeof value)
        return value;
    return nanoseconds(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t wamlet_port_microseconds(void)
{
    return nanoseconds(CLOCK_MONOTONIC) / 1000;
}

bool wamlet_port_energy(uint64_t *nanojoules)
{
    (void)nanojoules;
    return false;
}
