/*
 * The lines to the host: a UART and, where the chip has one, its USB Serial/JTAG. The host may be on either; line_choice
 * says which. Bytes arrive by interrupt in the drivers' rings, each as large as the agent's receive buffer: the window
 * of the protocol never lets more come than that, so nothing is lost while a module runs or flash is written, and no
 * wires for flow control are needed. While flash is written the UART's interrupt goes on from IRAM, and USB's is off: the
 * host then waits, for the hardware takes no packet more.
 */
#include "sdkconfig.h"

#include "driver/uart.h"
#if CONFIG_WAMLET_LINE_USB_SERIAL_JTAG
#include "driver/usb_serial_jtag.h"
#endif
#include "esp_intr_alloc.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "esp_port.h"
#include "line_choice.h"

/* Half of the hardware's 128 bytes: 0.7 ms at 921600 baud until the other half is full. */
#define FIFO_THRESHOLD 64
/* A pause of so many bytes ends a wait for the threshold. */
#define PAUSE_BYTES 2
/* Pieces that go to USB at once; smaller than its ring, which takes a piece whole or not at all. */
#define USB_PIECE_BYTES 256u
#define USB_TRANSMIT_BYTES 2048u
/* A USB socket without a reader keeps what it was given. */
#define USB_PATIENCE_MILLISECONDS 200u
#define FINISH_MILLISECONDS 200u

enum line {
#if CONFIG_WAMLET_LINE_UART
    LINE_UART,
#endif
#if CONFIG_WAMLET_LINE_USB_SERIAL_JTAG
    LINE_USB,
#endif
    LINES
};

_Static_assert(LINES > 0, "the configuration names no line to the host");

static struct wamlet_line_choice choice = WAMLET_LINE_CHOICE_START;

#if CONFIG_WAMLET_LINE_UART
#define PORT ((uart_port_t)CONFIG_WAMLET_UART_PORT)

static bool uart_open(void)
{
    const uart_config_t configuration = {
        .baud_rate = CONFIG_WAMLET_UART_BAUD_RATE,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    /* No ring for what is sent: writing waits until the hardware has it. CONFIG_UART_ISR_IN_IRAM says where the rest is. */
    return uart_driver_install(PORT, CONFIG_WAMLET_RECEIVE_BYTES, 0, 0, NULL, ESP_INTR_FLAG_IRAM) == ESP_OK
           && uart_param_config(PORT, &configuration) == ESP_OK
           && uart_set_pin(PORT, CONFIG_WAMLET_UART_TX_PIN, CONFIG_WAMLET_UART_RX_PIN, UART_PIN_NO_CHANGE,
                           UART_PIN_NO_CHANGE) == ESP_OK
           && uart_set_rx_full_threshold(PORT, FIFO_THRESHOLD) == ESP_OK
           && uart_set_rx_timeout(PORT, PAUSE_BYTES) == ESP_OK;
}

static size_t uart_take(uint8_t *bytes, size_t most, uint32_t milliseconds)
{
    size_t waiting = 0;
    /* The driver waits until all that was asked for is there; so it is asked for one byte, and for what is there. */
    if (milliseconds > 0 && uart_read_bytes(PORT, bytes, 1, pdMS_TO_TICKS(milliseconds)) != 1)
        return 0;
    size_t got = milliseconds > 0 ? 1 : 0;
    if (uart_get_buffered_data_len(PORT, &waiting) != ESP_OK || waiting == 0 || got == most)
        return got;
    uint32_t rest = (uint32_t)(waiting < most - got ? waiting : most - got);
    int more = uart_read_bytes(PORT, bytes + got, rest, 0);
    return more > 0 ? got + (size_t)more : got;
}
#endif

#if CONFIG_WAMLET_LINE_USB_SERIAL_JTAG
static bool usb_is_read;

static bool usb_open(void)
{
    usb_serial_jtag_driver_config_t configuration = {
        .tx_buffer_size = USB_TRANSMIT_BYTES,
        .rx_buffer_size = CONFIG_WAMLET_RECEIVE_BYTES,
    };
    return usb_serial_jtag_driver_install(&configuration) == ESP_OK;
}

static size_t usb_take(uint8_t *bytes, size_t most, uint32_t milliseconds)
{
    int got = usb_serial_jtag_read_bytes(bytes, (uint32_t)most, pdMS_TO_TICKS(milliseconds));
    if (got <= 0)
        return 0;
    usb_is_read = true;
    return (size_t)got;
}

static void usb_write(const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        size_t piece = length < USB_PIECE_BYTES ? length : USB_PIECE_BYTES;
        uint32_t patience = usb_is_read ? USB_PATIENCE_MILLISECONDS : 0;
        int put = usb_serial_jtag_write_bytes(bytes, piece, pdMS_TO_TICKS(patience));
        /* Nobody reads: the rest is lost, as on a wire, and not waited for again before something comes. */
        usb_is_read = usb_is_read && put > 0;
        if (put <= 0)
            return;
        bytes += put;
        length -= (size_t)put;
    }
}
#endif

static size_t take(int line, uint8_t *bytes, size_t most, uint32_t milliseconds)
{
    switch (line) {
#if CONFIG_WAMLET_LINE_UART
    case LINE_UART:
        return uart_take(bytes, most, milliseconds);
#endif
#if CONFIG_WAMLET_LINE_USB_SERIAL_JTAG
    case LINE_USB:
        return usb_take(bytes, most, milliseconds);
#endif
    default:
        return 0;
    }
}

void line_open(void)
{
#if CONFIG_WAMLET_LINE_UART
    if (!uart_open())
        board_stop("the UART does not open: check its port, pins and baud rate");
#endif
#if CONFIG_WAMLET_LINE_USB_SERIAL_JTAG
    if (!usb_open())
        board_stop("USB Serial/JTAG does not open");
#endif
}

size_t line_read(uint8_t *bytes, size_t most, uint32_t milliseconds)
{
    if (most == 0)
        return 0;
    int first = choice.line == WAMLET_EVERY_LINE ? 0 : choice.line;
    for (int i = 0; i < (int)LINES; i++) {
        int line = (first + i) % (int)LINES;
        size_t got = take(line, bytes, most, 0);
        if (got > 0 && wamlet_line_heard(&choice, line, wamlet_port_microseconds()))
            return got;
    }
    if (milliseconds == 0)
        return 0;
    size_t got = take(first, bytes, most, milliseconds);
    return got > 0 && wamlet_line_heard(&choice, first, wamlet_port_microseconds()) ? got : 0;
}

void wamlet_port_write(const uint8_t *bytes, size_t length)
{
#if CONFIG_WAMLET_LINE_UART
    if (wamlet_line_speaks(&choice, LINE_UART))
        uart_write_bytes(PORT, bytes, length);
#endif
#if CONFIG_WAMLET_LINE_USB_SERIAL_JTAG
    if (wamlet_line_speaks(&choice, LINE_USB))
        usb_write(bytes, length);
#endif
}

void line_finish(void)
{
#if CONFIG_WAMLET_LINE_UART
    uart_wait_tx_done(PORT, pdMS_TO_TICKS(FINISH_MILLISECONDS));
#endif
#if CONFIG_WAMLET_LINE_USB_SERIAL_JTAG
    /* The host fetches what is left within a few milliseconds, or is not there. */
    vTaskDelay(pdMS_TO_TICKS(FINISH_MILLISECONDS));
#endif
}
