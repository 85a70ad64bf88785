/* ESP-IDF's components/freertos/FreeRTOS-Kernel/include/freertos/semphr.h, where these are macros over queues */
#pragma once

#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"

typedef QueueHandle_t SemaphoreHandle_t;

SemaphoreHandle_t xSemaphoreCreateMutex(void);
BaseType_t xSemaphoreTake(SemaphoreHandle_t mutex, TickType_t ticks);
BaseType_t xSemaphoreGive(SemaphoreHandle_t mutex);
