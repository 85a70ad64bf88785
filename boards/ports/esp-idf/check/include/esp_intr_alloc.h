/* ESP-IDF's components/esp_hw_support/include/esp_intr_alloc.h */
#pragma once

#define ESP_INTR_FLAG_IRAM (1 << 10)
