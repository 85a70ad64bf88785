/* ESP-IDF's components/esp_common/include/esp_err.h */
#pragma once

#include <stdint.h>

typedef int esp_err_t;

#define ESP_OK 0
