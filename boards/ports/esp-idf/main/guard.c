/*
 * The watchdog of modules. A module runs in a task of its own, below the agent's in priority (or on the other core); the
 * agent's task waits for it, and takes the task away when it waits in vain. That is sound for what runs there: WAMR's
 * interpreter allocates nothing and holds no lock while it runs, nor do this port's counters and meter outside a
 * critical section, and a task that is being suspended leaves its critical section first. The instance is thrown away
 * by the agent. Beneath all this lies ESP-IDF's task watchdog, which restarts the board when the agent itself hangs.
 */
#include "esp_task_wdt.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

#include "esp_port.h"
#include "timing.h"

/* WAMR's interpreter took 1.8 KB at most on rv32 and Cortex-M4; Xtensa's windows and interrupts take more. */
#define STACK_BYTES 6144u
#define PRIORITY 4u
/* How long the agent's task sleeps at most before it tells the task watchdog that it lives. */
#define BREATH_MILLISECONDS 1000u

#if CONFIG_FREERTOS_UNICORE
#define MODULE_CORE 0
#else
/* Core 0 serves the line, the clock and the sensor; cycles on core 1 are the module's. */
#define MODULE_CORE 1
#endif

static TaskHandle_t agent;
static TaskHandle_t worker;
static struct {
    void (*run)(void *argument);
    void *argument;
} job;

static void work(void *unused)
{
    (void)unused;
    counters_start();
    for (;;) {
        while (ulTaskNotifyTake(pdTRUE, portMAX_DELAY) == 0) {
        }
        job.run(job.argument);
        xTaskNotifyGive(agent);
    }
}

static void create_worker(void)
{
    /* From FreeRTOS's heap, which gives a deleted task's stack to no one before the task is really gone. */
    if (xTaskCreatePinnedToCore(work, "module", STACK_BYTES, NULL, PRIORITY, &worker, MODULE_CORE) != pdPASS)
        board_stop("no memory for the task that modules run in");
}

static void remove_worker(void)
{
    vTaskSuspend(worker);
    /* On the other core it goes on until the interrupt reaches that core and it is in no critical section. */
    while (eTaskGetState(worker) == eRunning)
        vTaskDelay(1);
    vTaskDelete(worker);
}

void guard_open(void)
{
    agent = xTaskGetCurrentTaskHandle();
    create_worker();
}

uint32_t wamlet_port_guard(void (*run)(void *argument), void *argument, uint64_t opcodes)
{
    uint32_t limit = wamlet_patience(opcodes, CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ);
    bool ended = false;
    job.run = run;
    job.argument = argument;
    energy_begin();
    uint64_t started = wamlet_port_microseconds();
    uint64_t elapsed = 0;
    xTaskNotifyGive(worker);
    while (!ended && elapsed < limit) {
        uint64_t left = limit - elapsed;
        uint32_t wait = left < BREATH_MILLISECONDS ? (uint32_t)left : BREATH_MILLISECONDS;
        /* One tick more, for the first one may end at once. */
        ended = ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(wait) + 1) != 0;
        esp_task_wdt_reset();
        elapsed = (wamlet_port_microseconds() - started) / 1000;
    }
    if (!ended) {
        remove_worker();
        /* It may have come to its end just before it was stopped. */
        ended = ulTaskNotifyTake(pdTRUE, 0) != 0;
        create_worker();
    }
    energy_end();
    return ended ? 0 : (uint32_t)elapsed;
}
