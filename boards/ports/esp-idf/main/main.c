/* The agent's loop as a task of FreeRTOS. */
#include <stdio.h>
#include <stdlib.h>

#include "esp_chip_info.h"
#include "esp_log.h"
#include "esp_mac.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

#include "agent.h"
#include "config.h"
#include "esp_port.h"

/* Agent and WAMR's loader took less than 6 KB together on rv32 and Cortex-M4; Xtensa's windows take more. */
#define STACK_BYTES 8192u
#define PRIORITY 5u
#define CORE 0
/* While nothing comes: how soon the other line is looked at. The line in use wakes the agent at once. */
#define IDLE_MILLISECONDS 20u
#define LAST_WORDS_MILLISECONDS 1000u
/* WAMR's ESP-IDF platform says 4096 (os_getpagesize); linear memory is a multiple of it. */
#define PAGE_BYTES 4096u
/* With 64 bits, as in the test that runs this on a desk, frames are larger than the manifest's model says. */
#define LEAST_MODULE_STACK_BYTES (sizeof(void *) == 4 ? 256u : 16384u)

#if CONFIG_IDF_TARGET_ARCH_XTENSA
#define COUNT_SOURCE "CCOUNT"
#else
#define COUNT_SOURCE "mpccr"
#endif

/* In .bss, so in internal RAM: PSRAM is many times slower, and never asked for. */
static uint8_t pool[CONFIG_WAMLET_POOL_BYTES] __attribute__((aligned(8)));
static uint8_t receive_buffer[CONFIG_WAMLET_RECEIVE_BYTES];
static char chip[32];
static char serial_number[13];
static struct wamlet_board board;

void board_stop(const char *what)
{
    ESP_LOGE("wamlet", "%s", what);
    vTaskDelay(pdMS_TO_TICKS(LAST_WORDS_MILLISECONDS));
    abort();
}

static void describe_chip(void)
{
    esp_chip_info_t info;
    uint8_t address[6];
    esp_chip_info(&info);
    snprintf(chip, sizeof chip, "%s, revision %u.%u", CONFIG_WAMLET_CHIP_NAME, (unsigned)info.revision / 100,
             (unsigned)info.revision % 100);
    if (esp_efuse_mac_get_default(address) == ESP_OK)
        snprintf(serial_number, sizeof serial_number, "%02x%02x%02x%02x%02x%02x", address[0], address[1], address[2],
                 address[3], address[4], address[5]);
}

static void prepare(void)
{
    describe_chip();
    board = (struct wamlet_board){
        .name = CONFIG_WAMLET_BOARD_NAME,
        .chip = chip,
        .serial_number = serial_number,
        .clock_hertz = CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ * 1000000u,
        .counts_instructions = false,
        .count_source = COUNT_SOURCE,
        .pool = pool,
        .pool_bytes = sizeof pool,
        .receive_buffer = receive_buffer,
        .receive_bytes = sizeof receive_buffer,
        .most_payload = WAMLET_MOST_PAYLOAD,
        .page_bytes = PAGE_BYTES,
        .least_stack_bytes = LEAST_MODULE_STACK_BYTES,
    };
    store_open(&board.flash);
    board.energy_sensor = energy_open();
    guard_open();
    line_open();
    /* From here on the line belongs to the protocol. What a panic says still comes: it does not ask. */
    esp_log_level_set("*", ESP_LOG_NONE);
    if (!wamlet_agent_start(&board)) {
        esp_log_level_set("*", ESP_LOG_ERROR);
        board_stop("the board's figures cannot be");
    }
}

static void serve(void *unused)
{
    static uint8_t bytes[512];
    enum wamlet_step step = WAMLET_STEP_BUSY;
    (void)unused;
    prepare();
    if (esp_task_wdt_add(NULL) != ESP_OK)
        board_stop("the task watchdog is off");
    for (;;) {
        uint32_t room = wamlet_agent_room();
        uint32_t wait = step == WAMLET_STEP_IDLE ? IDLE_MILLISECONDS : 0;
        wamlet_agent_receive(bytes, line_read(bytes, room < sizeof bytes ? room : sizeof bytes, wait));
        step = wamlet_agent_step();
        esp_task_wdt_reset();
        if (step == WAMLET_STEP_RESTART) {
            line_finish();
            esp_restart();
        }
    }
}

void app_main(void)
{
    if (xTaskCreatePinnedToCore(serve, "agent", STACK_BYTES, NULL, PRIORITY, NULL, CORE) != pdPASS)
        board_stop("no memory for the agent's task");
}
