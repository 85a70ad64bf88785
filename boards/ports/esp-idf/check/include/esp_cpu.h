/* ESP-IDF's components/esp_hw_support/include/esp_cpu.h, where this one is inline */
#pragma once

#include <stdint.h>

typedef uint32_t esp_cpu_cycle_count_t;

esp_cpu_cycle_count_t esp_cpu_get_cycle_count(void);
