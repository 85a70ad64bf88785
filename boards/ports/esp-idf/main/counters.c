/* Cycles, time and chance. */
#include "esp_cpu.h"
#include "esp_random.h"
#include "esp_timer.h"
#include "sdkconfig.h"

#include "esp_port.h"
#include "timing.h"

/* Both counters at the same moment, read on the core that modules run on. */
static uint32_t first_cycles;
static uint64_t first_microseconds;

uint64_t wamlet_port_microseconds(void)
{
    return (uint64_t)esp_timer_get_time();
}

void counters_start(void)
{
    if (first_microseconds != 0)
        return;
    first_microseconds = wamlet_port_microseconds();
    first_cycles = esp_cpu_get_cycle_count();
}

uint64_t wamlet_port_count(void)
{
    /* CCOUNT on Xtensa, mpccr on RISC-V. Read first: what the rest takes is the host's, not the module's. */
    uint32_t cycles = esp_cpu_get_cycle_count() - first_cycles;
    uint64_t microseconds = wamlet_port_microseconds() - first_microseconds;
    return wamlet_widen_cycles(cycles, microseconds, CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ);
}

uint32_t wamlet_port_random(void)
{
    return esp_random();
}
