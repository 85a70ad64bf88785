/*
 * ESP-IDF's components/freertos/FreeRTOS-Kernel/include/freertos/FreeRTOS.h, projdefs.h and portmacro.h of both
 * architectures, with configTICK_RATE_HZ as CONFIG_FREERTOS_HZ sets it
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sdkconfig.h"

typedef int BaseType_t;
typedef unsigned UBaseType_t;
typedef uint32_t TickType_t;

#define pdFALSE ((BaseType_t)0)
#define pdTRUE ((BaseType_t)1)
#define pdPASS pdTRUE
#define portMAX_DELAY ((TickType_t)0xffffffffUL)
#define pdMS_TO_TICKS(milliseconds) \
    ((TickType_t)(((uint64_t)(milliseconds) * (uint64_t)CONFIG_FREERTOS_HZ) / (uint64_t)1000U))

typedef struct {
    uint32_t owner;
    uint32_t count;
} portMUX_TYPE;

#define portMUX_INITIALIZER_UNLOCKED {0xb33fffff, 0}
