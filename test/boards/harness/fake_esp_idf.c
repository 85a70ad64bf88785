/*
 * A chip for test/boards/esp_idf_port.test.ts: flash in a file, clocks, an INA226 in a constant supply, and a restart
 * that keeps flash and sockets. UART and USB are in fake_lines.c.
 *
 *     esp-idf-on-a-desk FLASH [uart-listener uart-client usb-listener usb-client]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "driver/i2c_master.h"
#include "esp_chip_info.h"
#include "esp_cpu.h"
#include "esp_log.h"
#include "esp_mac.h"
#include "esp_partition.h"
#include "esp_random.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "fake_lines.h"
#include "sdkconfig.h"

void app_main(void);

static const char *flash_path;

uint64_t fake_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t esp_timer_get_time(void)
{
    return (int64_t)(fake_nanoseconds() / 1000);
}

esp_cpu_cycle_count_t esp_cpu_get_cycle_count(void)
{
    return (uint32_t)(fake_nanoseconds() * CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ / 1000);
}

uint32_t esp_random(void)
{
    return (uint32_t)fake_nanoseconds() * 2654435761u;
}

void esp_chip_info(esp_chip_info_t *info)
{
    *info = (esp_chip_info_t){CHIP_ESP32C3, 0, 4, 1};
}

esp_err_t esp_efuse_mac_get_default(uint8_t *mac)
{
    memcpy(mac, (const uint8_t[]){0x24, 0x6f, 0x28, 0x01, 0x02, 0x03}, 6);
    return ESP_OK;
}

void esp_log_level_set(const char *tag, esp_log_level_t level)
{
    (void)tag;
    (void)level;
}

void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
{
    va_list arguments;
    (void)level;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", tag);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

/* Flash. */

static uint8_t *flash;
static esp_partition_t partition = {NULL, ESP_PARTITION_TYPE_DATA, (esp_partition_subtype_t)0x40, 0x110000,
                                    0x182000, 4096, "wamlet_store", false};

const esp_partition_t *esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char *label)
{
    bool found = type == partition.type && subtype == partition.subtype && strcmp(label, partition.label) == 0;
    return found ? &partition : NULL;
}

esp_err_t esp_partition_mmap(const esp_partition_t *area, size_t offset, size_t size,
                             esp_partition_mmap_memory_t memory, const void **out, esp_partition_mmap_handle_t *handle)
{
    int file = open(flash_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool fresh = lseek(file, 0, SEEK_END) == 0;
    if (offset != 0 || size != area->size || memory != ESP_PARTITION_MMAP_DATA || ftruncate(file, (off_t)size) != 0)
        abort();
    flash = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (fresh)
        memset(flash, 0xff, size);
    *out = flash;
    *handle = 1;
    return ESP_OK;
}

esp_err_t esp_partition_write(const esp_partition_t *area, size_t offset, const void *bytes, size_t size)
{
    if (offset > area->size || size > area->size - offset || offset % 4 != 0 || size % 4 != 0)
        abort();
    /* Programming clears bits and never sets one. */
    for (size_t i = 0; i < size; i++)
        flash[offset + i] &= ((const uint8_t *)bytes)[i];
    return ESP_OK;
}

esp_err_t esp_partition_erase_range(const esp_partition_t *area, size_t offset, size_t size)
{
    if (offset % area->erase_size != 0 || size % area->erase_size != 0 || offset + size > area->size)
        abort();
    memset(flash + offset, 0xff, size);
    return ESP_OK;
}

/* An INA226 with 50 mA through 100 mOhm at 3.3 V: 165 mW. FAKE_SENSOR_READS says after how many reads it goes silent. */

static uint16_t registers[256] = {[0] = 0x4127, [1] = 2000, [2] = 2640, [0xfe] = 0x5449, [0xff] = 0x2260};
static long reads_left;

esp_err_t i2c_new_master_bus(const i2c_master_bus_config_t *configuration, i2c_master_bus_handle_t *bus)
{
    const char *reads = getenv("FAKE_SENSOR_READS");
    reads_left = reads == NULL ? 0 : atol(reads);
    *bus = NULL;
    return configuration->sda_io_num == CONFIG_WAMLET_ENERGY_SDA_PIN ? ESP_OK : -1;
}

esp_err_t i2c_del_master_bus(i2c_master_bus_handle_t bus)
{
    (void)bus;
    return ESP_OK;
}

esp_err_t i2c_master_probe(i2c_master_bus_handle_t bus, uint16_t address, int milliseconds)
{
    (void)bus;
    (void)milliseconds;
    return reads_left != 0 && address == CONFIG_WAMLET_ENERGY_ADDRESS ? ESP_OK : -1;
}

esp_err_t i2c_master_bus_add_device(i2c_master_bus_handle_t bus, const i2c_device_config_t *configuration,
                                    i2c_master_dev_handle_t *device)
{
    (void)bus;
    *device = NULL;
    return configuration->device_address == CONFIG_WAMLET_ENERGY_ADDRESS ? ESP_OK : -1;
}

esp_err_t i2c_master_bus_rm_device(i2c_master_dev_handle_t device)
{
    (void)device;
    return ESP_OK;
}

esp_err_t i2c_master_transmit(i2c_master_dev_handle_t device, const uint8_t *bytes, size_t length, int milliseconds)
{
    (void)device;
    (void)milliseconds;
    if (length != 3)
        abort();
    registers[bytes[0]] = (uint16_t)(bytes[1] << 8 | bytes[2]);
    return ESP_OK;
}

esp_err_t i2c_master_transmit_receive(i2c_master_dev_handle_t device, const uint8_t *address, size_t length,
                                      uint8_t *bytes, size_t count, int milliseconds)
{
    /* Not made for two tasks at a time, as ESP-IDF's documentation says. */
    static atomic_int inside;
    (void)device;
    (void)milliseconds;
    if (length != 1 || count != 2 || atomic_fetch_add(&inside, 1) != 0)
        abort();
    /* Five bytes at 400 kHz. */
    usleep(120);
    bool answers = reads_left != 0;
    if (reads_left > 0)
        reads_left--;
    bytes[0] = (uint8_t)(registers[*address] >> 8);
    bytes[1] = (uint8_t)registers[*address];
    atomic_fetch_sub(&inside, 1);
    return answers ? ESP_OK : -1;
}

/* The process. */

void esp_restart(void)
{
    char numbers[FAKE_SOCKETS][12];
    int sockets[FAKE_SOCKETS];
    fake_lines_sockets(sockets);
    for (int i = 0; i < FAKE_SOCKETS; i++)
        snprintf(numbers[i], sizeof numbers[i], "%d", sockets[i]);
    execl("/proc/self/exe", "esp-idf-on-a-desk", flash_path, numbers[0], numbers[1], numbers[2], numbers[3], NULL);
    abort();
}

int main(int count, char **arguments)
{
    flash_path = arguments[1];
    if (count == 2 + FAKE_SOCKETS) {
        int sockets[FAKE_SOCKETS];
        for (int i = 0; i < FAKE_SOCKETS; i++)
            sockets[i] = atoi(arguments[2 + i]);
        fake_lines_adopt(sockets);
    } else {
        fake_lines_listen();
    }
    app_main();
    /* It ends with whoever started it. */
    char ignored[64];
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0) {
    }
    return 0;
}
