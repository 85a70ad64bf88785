/* What a machine without an operating system gives main.c beside port.h. */
#ifndef WAMLET_MACHINE_H
#define WAMLET_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#include "port.h"

/* Of the linker script: the stack grows down to here, and the pool is all RAM that nobody else has. */
extern uint8_t machine_stack_bottom[];
extern uint8_t machine_pool_start[];
extern uint8_t machine_pool_end[];
/* Flash for modules. */
extern uint8_t machine_store[];

/* What it is, for `struct wamlet_board`; the rest of that main.c fills in. */
extern const char machine_name[];
extern const char machine_chip[];
extern const char machine_count_source[];
extern const uint32_t machine_clock_hertz;

void machine_start(void);

/* Reads what has arrived, at most this many bytes, without waiting. */
size_t machine_read(uint8_t *bytes, size_t most);

/* Sleeps until bytes arrive. */
void machine_wait(void);

/* Starts the machine anew; does not return. */
void machine_reset(void);

/* Lets a timer interrupt call machine_stopped after this many counts; 0 stops the timer. */
void machine_set_watchdog(uint64_t counts);

/* Where the watchdog's interrupt returns to in place of the module. */
void machine_stopped(void);

#endif
