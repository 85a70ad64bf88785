/*
 * FreeRTOS for test/boards/esp_idf_port.test.ts, as far as the ESP-IDF port uses it: a task is a thread, suspending one
 * is a signal that never returns, and inside the kernel or a critical section that signal has to wait, as the
 * interrupt between two cores has to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "esp_task_wdt.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

struct tskTaskControlBlock {
    pthread_t thread;
    TaskFunction_t run;
    void *argument;
    uint32_t notified;
    pthread_cond_t notification;
    atomic_bool suspended;
    atomic_bool deleted;
};

static pthread_mutex_t kernel = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local TaskHandle_t current;
static atomic_llong fed;

static long long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(how, &set, NULL);
}

static void enter(void)
{
    mask(SIG_BLOCK);
    pthread_mutex_lock(&kernel);
}

static void leave(void)
{
    pthread_mutex_unlock(&kernel);
    mask(SIG_UNBLOCK);
}

void taskENTER_CRITICAL(portMUX_TYPE *lock)
{
    (void)lock;
    enter();
}

void taskEXIT_CRITICAL(portMUX_TYPE *lock)
{
    (void)lock;
    leave();
}

static void suspend_here(int signal)
{
    (void)signal;
    atomic_store(&current->suspended, true);
    for (;;)
        pause();
}

static void *start(void *argument)
{
    current = argument;
    current->run(current->argument);
    fprintf(stderr, "a task returned\n");
    abort();
}

BaseType_t xTaskCreatePinnedToCore(TaskFunction_t run, const char *const name, const uint32_t stack_bytes,
                                   void *const argument, UBaseType_t priority, TaskHandle_t *const created,
                                   const BaseType_t core)
{
    static const struct sigaction action = {.sa_handler = suspend_here};
    TaskHandle_t task = calloc(1, sizeof *task);
    pthread_condattr_t clock;
    (void)name;
    (void)priority;
    if (core != 0 || stack_bytes < 2048)
        abort();
    sigaction(SIGUSR1, &action, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&task->notification, &clock);
    task->run = run;
    task->argument = argument;
    /* The handle is there before the task runs: it may be used by another one that the task wakes. */
    if (created != NULL)
        *created = task;
    if (pthread_create(&task->thread, NULL, start, task) != 0)
        return pdFALSE;
    return pdPASS;
}

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    return current;
}

void vTaskDelay(const TickType_t ticks)
{
    usleep(ticks * (1000000u / CONFIG_FREERTOS_HZ));
}

void vTaskSuspend(TaskHandle_t task)
{
    pthread_kill(task->thread, SIGUSR1);
}

eTaskState eTaskGetState(TaskHandle_t task)
{
    return atomic_load(&task->suspended) ? eSuspended : eRunning;
}

void vTaskDelete(TaskHandle_t task)
{
    /* Deleting a task that runs on another core is what the port must not do. Its thread sleeps for good. */
    if (!atomic_load(&task->suspended) || atomic_exchange(&task->deleted, true))
        abort();
}

uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks)
{
    long long until = milliseconds() + ticks * (1000LL / CONFIG_FREERTOS_HZ);
    const struct timespec limit = {until / 1000, until % 1000 * 1000000};
    int error = 0;
    enter();
    while (current->notified == 0 && error != ETIMEDOUT) {
        if (ticks == portMAX_DELAY)
            pthread_cond_wait(&current->notification, &kernel);
        else
            error = pthread_cond_timedwait(&current->notification, &kernel, &limit);
    }
    uint32_t value = current->notified;
    if (value > 0)
        current->notified = clear ? 0 : value - 1;
    leave();
    return value;
}

BaseType_t xTaskNotifyGive(TaskHandle_t task)
{
    enter();
    task->notified++;
    pthread_cond_signal(&task->notification);
    leave();
    return pdPASS;
}

struct QueueDefinition {
    pthread_mutex_t mutex;
};

SemaphoreHandle_t xSemaphoreCreateMutex(void)
{
    SemaphoreHandle_t semaphore = calloc(1, sizeof *semaphore);
    pthread_mutex_init(&semaphore->mutex, NULL);
    return semaphore;
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks)
{
    if (ticks != portMAX_DELAY)
        abort();
    pthread_mutex_lock(&semaphore->mutex);
    return pdTRUE;
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore)
{
    pthread_mutex_unlock(&semaphore->mutex);
    return pdTRUE;
}

static void *watch(void *unused)
{
    for (;;) {
        usleep(200000);
        if (milliseconds() - atomic_load(&fed) > CONFIG_ESP_TASK_WDT_TIMEOUT_S * 1000LL) {
            fprintf(stderr, "the task watchdog was not fed\n");
            abort();
        }
    }
    return unused;
}

esp_err_t esp_task_wdt_add(TaskHandle_t task)
{
    pthread_t thread;
    if (task != NULL)
        abort();
    esp_task_wdt_reset();
    return pthread_create(&thread, NULL, watch, NULL);
}

esp_err_t esp_task_wdt_reset(void)
{
    atomic_store(&fed, milliseconds());
    return ESP_OK;
}
