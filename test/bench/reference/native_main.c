/*
 * A firmware that does nothing but one inference of a generated model, counts it as the agent would, and writes what it
 * found to the UART as lines of text. It shares the boards' start-up, counter and UART (boards/ports).
 */
#include "kernels.h"
#include "machine.h"

#define MOST_LAYERS 512u

/* The inputs, one after the other. */
extern const uint8_t bench_frame[];

static uint64_t layer_counts[MOST_LAYERS];
static uint32_t layers;
static uint64_t layer_start;

void bench_layer(uint32_t index)
{
    uint64_t now = wamlet_port_count();
    if (index < MOST_LAYERS) {
        layer_counts[index] = now - layer_start;
        layers = index + 1;
    }
    layer_start = wamlet_port_count();
}

/* Named by the machine's watchdog, which never runs here. */
void machine_stopped(void)
{
    for (;;) {
    }
}

static void write_text(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0')
        length++;
    wamlet_port_write((const uint8_t *)text, length);
}

static void write_number(uint64_t number)
{
    char digits[21];
    char *first = digits + sizeof digits - 1;
    *first = '\0';
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    write_text(first);
}

static void write_output(void)
{
    static const char hex[] = "0123456789abcdef";
    for (const struct bench_tensor *tensor = bench_outputs; tensor->bytes > 0; tensor++) {
        for (uint32_t i = 0; i < tensor->bytes; i++) {
            uint8_t byte = (uint8_t)arena[tensor->offset + i];
            char digits[] = {hex[byte >> 4], hex[byte & 15], '\0'};
            write_text(digits);
        }
    }
}

int main(void)
{
    machine_start();
    const uint8_t *frame = bench_frame;
    for (const struct bench_tensor *tensor = bench_inputs; tensor->bytes > 0; tensor++) {
        for (uint32_t i = 0; i < tensor->bytes; i++)
            arena[tensor->offset + i] = (int8_t)*frame++;
    }
    uint64_t started = wamlet_port_count();
    layer_start = started;
    infer();
    uint64_t total = wamlet_port_count() - started;
    write_text("\ntotal ");
    write_number(total);
    for (uint32_t i = 0; i < layers; i++) {
        write_text("\nlayer ");
        write_number(layer_counts[i]);
    }
    write_text("\noutput ");
    write_output();
    write_text("\nend\n");
    for (;;)
        machine_wait();
}
