/*
 * QEMU's RISC-V `virt` with one rv32imac hart: 16550 UART, CLINT timer, PLIC. QEMU is run with `-icount shift=0`, so
 * instret counts exactly, and an instruction takes a nanosecond.
 */
#include "machine.h"

#define UART ((volatile uint8_t *)0x10000000)
#define PLIC(offset) (*(volatile uint32_t *)(0x0c000000u + (offset)))
#define TIME(part) (((volatile uint32_t *)0x0200bff8)[part])
#define TIME_COMPARE(part) (((volatile uint32_t *)0x02004000)[part])
#define FINISHER (*(volatile uint32_t *)0x100000)
#define FINISHER_RESET 0x7777u
#define UART_SOURCE 10u
#define EXTERNAL_INTERRUPT (1u << 11)
#define TIMER_INTERRUPT (1u << 7)
#define INTERRUPTS_ON (1u << 3)
/* The timer has 10 MHz: a tick is a hundred instructions. */
#define COUNTS_PER_TICK 100u
/* QEMU's loader writes a random number above the RAM that is used; the word behind it outlives a reset. */
#define SEED (*(volatile uint32_t *)0x80500000)
#define BOOTS (*(volatile uint32_t *)0x80500004)

const char machine_name[] = "qemu-riscv32";
const char machine_chip[] = "rv32imac, emulated by QEMU (virt)";
const char machine_count_source[] = "instructions, QEMU -icount; not cycles of a device";
const uint32_t machine_clock_hertz = 1000000000;

void machine_start(void)
{
    __asm__ volatile("csrw mcountinhibit, zero");
    /* FIFOs on, interrupt at 14 bytes or after a pause; 8 data bits; receive interrupt, which only ends a sleep. */
    UART[2] = 0xc7;
    UART[3] = 3;
    UART[1] = 1;
    PLIC(4 * UART_SOURCE) = 1;
    PLIC(0x2000) = 1u << UART_SOURCE;
    PLIC(0x200000) = 0;
    BOOTS++;
}

size_t machine_read(uint8_t *bytes, size_t most)
{
    size_t count = 0;
    while (count < most && (UART[5] & 1) != 0)
        bytes[count++] = UART[0];
    return count;
}

void wamlet_port_write(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        while ((UART[5] & 0x20) == 0) {
        }
        UART[0] = bytes[i];
    }
}

void machine_wait(void)
{
    /* A pending interrupt ends the sleep although none is taken: claim the last one, or there is no sleep any more. */
    PLIC(0x200004) = PLIC(0x200004);
    __asm__ volatile("csrs mie, %0" ::"r"(EXTERNAL_INTERRUPT));
    if ((UART[5] & 1) == 0)
        __asm__ volatile("wfi");
    __asm__ volatile("csrc mie, %0" ::"r"(EXTERNAL_INTERRUPT));
}

void machine_reset(void)
{
    FINISHER = FINISHER_RESET;
    for (;;) {
    }
}

uint64_t wamlet_port_count(void)
{
    uint32_t high, low, again;
    do {
        __asm__ volatile("rdinstreth %0\nrdinstret %1\nrdinstreth %2" : "=r"(high), "=r"(low), "=r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

static uint64_t timer(void)
{
    for (;;) {
        uint32_t high = TIME(1), low = TIME(0);
        if (high == TIME(1))
            return (uint64_t)high << 32 | low;
    }
}

uint64_t wamlet_port_microseconds(void)
{
    return timer() / 10;
}

uint32_t wamlet_port_random(void)
{
    return SEED ^ BOOTS * 0x9e3779b9u;
}

void machine_set_watchdog(uint64_t counts)
{
    uint64_t when = timer() + counts / COUNTS_PER_TICK;
    __asm__ volatile("csrc mstatus, %0\ncsrc mie, %1" ::"r"(INTERRUPTS_ON), "r"(TIMER_INTERRUPT));
    if (counts == 0)
        return;
    /* Never, then the low half, then the high one: no moment in between is over. */
    TIME_COMPARE(1) = 0xffffffffu;
    TIME_COMPARE(0) = (uint32_t)when;
    TIME_COMPARE(1) = (uint32_t)(when >> 32);
    __asm__ volatile("csrs mie, %1\ncsrs mstatus, %0" ::"r"(INTERRUPTS_ON), "r"(TIMER_INTERRUPT));
}
