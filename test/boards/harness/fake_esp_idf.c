/*
 * A chip for test/boards/esp_idf_port.test.ts: the ESP-IDF functions that the port uses, with flash in a file, UART and
 * USB as TCP sockets whose rings are as large as the port asks for, an INA226 in a constant supply, and a restart that
 * keeps flash and sockets.
 *
 *     esp-idf-on-a-desk FLASH [uart-listener uart-client usb-listener usb-client]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "driver/i2c_master.h"
#include "driver/uart.h"
#include "driver/usb_serial_jtag.h"
#include "esp_chip_info.h"
#include "esp_cpu.h"
#include "esp_log.h"
#include "esp_mac.h"
#include "esp_partition.h"
#include "esp_random.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "sdkconfig.h"

void app_main(void);

static const char *flash_path;

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t esp_timer_get_time(void)
{
    return (int64_t)(nanoseconds() / 1000);
}

esp_cpu_cycle_count_t esp_cpu_get_cycle_count(void)
{
    return (uint32_t)(nanoseconds() * CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ / 1000);
}

uint32_t esp_random(void)
{
    return (uint32_t)nanoseconds() * 2654435761u;
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

/* Lines: bytes wait in a ring until the port reads them. A UART drops what finds it full; USB lets the host wait. */

struct line {
    const char *name;
    bool waits_for_room;
    int listener;
    atomic_int client;
    uint8_t *ring;
    size_t capacity;
    size_t used;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Sent while no client was there: USB keeps some. */
    uint8_t kept[4096];
    size_t kept_bytes;
    size_t keeps;
};

static struct line uart = {.name = "UART", .listener = -1, .client = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
static struct line usb = {
    .name = "USB", .waits_for_room = true, .listener = -1, .client = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static void put(struct line *line, const uint8_t *bytes, size_t length)
{
    pthread_mutex_lock(&line->lock);
    while (length > 0) {
        size_t room = line->capacity - line->used;
        size_t piece = length < room ? length : room;
        memcpy(line->ring + line->used, bytes, piece);
        line->used += piece;
        bytes += piece;
        length -= piece;
        pthread_cond_broadcast(&line->changed);
        if (length > 0 && !line->waits_for_room) {
            fprintf(stderr, "%s: %zu bytes found no room\n", line->name, length);
            break;
        }
        if (length > 0)
            pthread_cond_wait(&line->changed, &line->lock);
    }
    pthread_mutex_unlock(&line->lock);
}

static void *receive(void *argument)
{
    struct line *line = argument;
    for (;;) {
        uint8_t bytes[512];
        int yes = 1;
        if (line->client < 0) {
            line->client = accept(line->listener, NULL, NULL);
            setsockopt(line->client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            pthread_mutex_lock(&line->lock);
            if (line->kept_bytes > 0 && send(line->client, line->kept, line->kept_bytes, MSG_NOSIGNAL) < 0)
                fprintf(stderr, "%s: the client left at once\n", line->name);
            line->kept_bytes = 0;
            pthread_mutex_unlock(&line->lock);
        }
        ssize_t got = read(line->client, bytes, sizeof bytes);
        if (got > 0) {
            put(line, bytes, (size_t)got);
            continue;
        }
        close(line->client);
        line->client = -1;
    }
    return NULL;
}

static int take(struct line *line, uint8_t *bytes, size_t least, size_t most, uint32_t ticks)
{
    uint64_t until = nanoseconds() + (uint64_t)ticks * (1000000000u / CONFIG_FREERTOS_HZ);
    const struct timespec limit = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    pthread_mutex_lock(&line->lock);
    while (ticks > 0 && line->used < least
           && pthread_cond_timedwait(&line->changed, &line->lock, &limit) != ETIMEDOUT) {
    }
    size_t got = line->used < most ? line->used : most;
    memcpy(bytes, line->ring, got);
    memmove(line->ring, line->ring + got, line->used - got);
    line->used -= got;
    pthread_cond_broadcast(&line->changed);
    pthread_mutex_unlock(&line->lock);
    return (int)got;
}

static bool give(struct line *line, const uint8_t *bytes, size_t length)
{
    bool given = true;
    pthread_mutex_lock(&line->lock);
    if (line->client >= 0) {
        while (length > 0) {
            ssize_t sent = send(line->client, bytes, length, MSG_NOSIGNAL);
            if (sent <= 0)
                break;
            bytes += sent;
            length -= (size_t)sent;
        }
    } else if (length <= line->keeps - line->kept_bytes) {
        memcpy(line->kept + line->kept_bytes, bytes, length);
        line->kept_bytes += length;
    } else {
        given = false;
    }
    pthread_mutex_unlock(&line->lock);
    return given;
}

static esp_err_t open_line(struct line *line, size_t capacity, size_t keeps)
{
    pthread_condattr_t clock;
    pthread_t thread;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&line->changed, &clock);
    line->ring = malloc(capacity);
    line->capacity = capacity;
    line->keeps = keeps < sizeof line->kept ? keeps : sizeof line->kept;
    return pthread_create(&thread, NULL, receive, line);
}

esp_err_t uart_driver_install(uart_port_t number, int rx_bytes, int tx_bytes, int queue, QueueHandle_t *handle,
                              int flags)
{
    (void)flags;
    /* As the driver asks: more than the hardware's own 128 bytes. */
    if (number != UART_NUM_0 || rx_bytes <= 128 || tx_bytes != 0 || queue != 0 || handle != NULL)
        abort();
    return open_line(&uart, (size_t)rx_bytes, 0);
}

esp_err_t uart_param_config(uart_port_t number, const uart_config_t *configuration)
{
    return number == UART_NUM_0 && configuration->baud_rate == CONFIG_WAMLET_UART_BAUD_RATE ? ESP_OK : -1;
}

esp_err_t uart_set_pin(uart_port_t number, int tx, int rx, int rts, int cts)
{
    (void)number;
    return tx == -1 && rx == -1 && rts == -1 && cts == -1 ? ESP_OK : -1;
}

esp_err_t uart_set_rx_full_threshold(uart_port_t number, int threshold)
{
    (void)number;
    return threshold > 0 && threshold < 128 ? ESP_OK : -1;
}

esp_err_t uart_set_rx_timeout(uart_port_t number, const uint8_t threshold)
{
    (void)number;
    return threshold > 0 && threshold <= 126 ? ESP_OK : -1;
}

esp_err_t uart_wait_tx_done(uart_port_t number, TickType_t ticks)
{
    (void)number;
    (void)ticks;
    return ESP_OK;
}

esp_err_t uart_get_buffered_data_len(uart_port_t number, size_t *size)
{
    (void)number;
    pthread_mutex_lock(&uart.lock);
    *size = uart.used;
    pthread_mutex_unlock(&uart.lock);
    return ESP_OK;
}

int uart_read_bytes(uart_port_t number, void *bytes, uint32_t length, TickType_t ticks)
{
    (void)number;
    return take(&uart, bytes, length, length, ticks);
}

int uart_write_bytes(uart_port_t number, const void *bytes, size_t length)
{
    (void)number;
    /* On a wire without a listener bytes are gone. */
    (void)give(&uart, bytes, length);
    return (int)length;
}

esp_err_t usb_serial_jtag_driver_install(usb_serial_jtag_driver_config_t *configuration)
{
    return open_line(&usb, configuration->rx_buffer_size, configuration->tx_buffer_size);
}

int usb_serial_jtag_read_bytes(void *bytes, uint32_t length, TickType_t ticks)
{
    return take(&usb, bytes, 1, length, ticks);
}

int usb_serial_jtag_write_bytes(const void *bytes, size_t length, TickType_t ticks)
{
    if (give(&usb, bytes, length))
        return (int)length;
    usleep(ticks * (1000000u / CONFIG_FREERTOS_HZ));
    return 0;
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

static int listen_at(const char *name)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4) != 0
        || getsockname(listener, (struct sockaddr *)&address, &bytes) != 0)
        abort();
    printf("%s tcp://127.0.0.1:%d\n", name, ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

void esp_restart(void)
{
    char numbers[4][12];
    const int values[4] = {uart.listener, uart.client, usb.listener, usb.client};
    for (int i = 0; i < 4; i++)
        snprintf(numbers[i], sizeof numbers[i], "%d", values[i]);
    execl("/proc/self/exe", "esp-idf-on-a-desk", flash_path, numbers[0], numbers[1], numbers[2], numbers[3], NULL);
    abort();
}

int main(int count, char **arguments)
{
    flash_path = arguments[1];
    if (count == 6) {
        uart.listener = atoi(arguments[2]);
        uart.client = atoi(arguments[3]);
        usb.listener = atoi(arguments[4]);
        usb.client = atoi(arguments[5]);
    } else {
        uart.listener = listen_at("UART");
        usb.listener = listen_at("USB");
    }
    app_main();
    /* It ends with whoever started it. */
    char ignored[64];
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0) {
    }
    return 0;
}
