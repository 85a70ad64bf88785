/* What the files of this port share: each of these is one of them. */
#ifndef WAMLET_ESP_PORT_H
#define WAMLET_ESP_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port.h"

/* Says on the console what is wrong with this board or build, then restarts. Does not return. */
_Noreturn void board_stop(const char *what);

/* Finds and maps the modules' partition; stops the board where there is none. */
void store_open(struct wamlet_flash *flash);

/* Opens the lines that the configuration names. */
void line_open(void);
/* What has come from the host, at most this many bytes; waits up to these milliseconds for the first of them. */
size_t line_read(uint8_t *bytes, size_t most, uint32_t milliseconds);
/* Waits until what was written has left. */
void line_finish(void);

/* Remembers the moment from which cycles count; before the first wamlet_port_count. */
void counters_start(void);

/* Creates the task that modules run in. Call it from the agent's task. */
void guard_open(void);

/* Looks for a power sensor. Returns what was found, for people: `INA226, shunt 100 mOhm`, or an empty text. */
const char *energy_open(void);
/* Around each run of a module, in the agent's task. */
void energy_begin(void);
void energy_end(void);

#endif
