/* Arithmetic of time on an ESP32. Nothing of ESP-IDF is here: test/boards/esp_idf_arithmetic.test.ts runs it on a desk. */
#ifndef WAMLET_ESP_TIMING_H
#define WAMLET_ESP_TIMING_H

#include <stdint.h>

/*
 * The processor's 32-bit cycle counter wraps every 18 s at 240 MHz. The whole count follows from the clock of 64 bits
 * beside it, which runs from the same crystal: of all counts with these low 32 bits, the one nearest to what the clock
 * expects. Nothing has to be called in time and nothing is stored, so any task may ask at any moment.
 * `cycles` and `microseconds` are since the same moment, to within half a wrap (9 s at 240 MHz).
 */
uint64_t wamlet_widen_cycles(uint32_t cycles, uint64_t microseconds, uint32_t cycles_per_microsecond);

/* How long a module with this budget may take at most, in milliseconds; at least 1000, at most 24 hours. */
uint32_t wamlet_patience(uint64_t opcodes, uint32_t cycles_per_microsecond);

#endif
