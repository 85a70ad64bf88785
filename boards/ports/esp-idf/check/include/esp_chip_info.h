/* ESP-IDF's components/esp_hw_support/include/esp_chip_info.h */
#pragma once

#include <stdint.h>

typedef enum { CHIP_ESP32 = 1, CHIP_ESP32S3 = 9, CHIP_ESP32C3 = 5, CHIP_ESP32C6 = 13 } esp_chip_model_t;

typedef struct {
    esp_chip_model_t model;
    uint32_t features;
    /* Major times 100 plus minor. */
    uint16_t revision;
    uint8_t cores;
} esp_chip_info_t;

void esp_chip_info(esp_chip_info_t *out_info);
