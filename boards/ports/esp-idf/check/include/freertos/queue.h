/* ESP-IDF's components/freertos/FreeRTOS-Kernel/include/freertos/queue.h */
#pragma once

typedef struct QueueDefinition *QueueHandle_t;
