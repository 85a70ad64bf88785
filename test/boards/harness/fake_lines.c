/*
 * UART and USB for test/boards/esp_idf_port.test.ts: TCP sockets, each with a ring as large as the port asks for, where
 * bytes wait until the port reads them.
 */
#define _GNU_SOURCE
#include "fake_lines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "driver/uart.h"
#include "driver/usb_serial_jtag.h"
#include "sdkconfig.h"

struct line {
    const char *name;
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
static struct line usb = {.name = "USB", .listener = -1, .client = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static void put(struct line *line, const uint8_t *bytes, size_t length)
{
    pthread_mutex_lock(&line->lock);
    size_t room = line->capacity - line->used;
    size_t piece = length < room ? length : room;
    memcpy(line->ring + line->used, bytes, piece);
    line->used += piece;
    /* Both of ESP-IDF's drivers drop what finds their ring full. */
    if (piece < length)
        fprintf(stderr, "%s: %zu bytes found no room\n", line->name, length - piece);
    pthread_cond_broadcast(&line->changed);
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
    uint64_t until = fake_nanoseconds() + (uint64_t)ticks * (1000000000u / CONFIG_FREERTOS_HZ);
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

void fake_lines_listen(void)
{
    uart.listener = listen_at("UART");
    usb.listener = listen_at("USB");
}

void fake_lines_adopt(const int sockets[FAKE_SOCKETS])
{
    uart.listener = sockets[0];
    uart.client = sockets[1];
    usb.listener = sockets[2];
    usb.client = sockets[3];
}

void fake_lines_sockets(int sockets[FAKE_SOCKETS])
{
    sockets[0] = uart.listener;
    sockets[1] = uart.client;
    sockets[2] = usb.listener;
    sockets[3] = usb.client;
}
