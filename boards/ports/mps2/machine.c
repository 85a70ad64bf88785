/*
 * ARM MPS2 as QEMU emulates it, the same for each of its processors (AN386, AN500): UART 0, two timers, the vector
 * table. QEMU is run with `-icount shift=7`: an instruction takes 128 ns, a tick of the 25 MHz timers 40 ns, so
 * instructions are ticks x 5/16. Each board's identity.c says which processor it has.
 */
#include "machine.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
/* CMSDK UART: data, state (1 transmitter full, 2 receiver full), control, interrupts, baud divider. */
#define UART 0x40004000u
/* CMSDK timers: control (1 run, 8 interrupt), value, reload, interrupt. */
#define COUNTER 0x40000000u
#define WATCHDOG 0x40001000u
#define NVIC_ENABLE REGISTER(0xe000e100u)
#define NVIC_DISABLE REGISTER(0xe000e180u)
#define NVIC_CLEAR_PENDING REGISTER(0xe000e280u)
#define RESET_CONTROL REGISTER(0xe000ed0cu)
#define COPROCESSORS REGISTER(0xe000ed88u)
#define UART_RECEIVE_INTERRUPT (1u << 0)
#define COUNTER_INTERRUPT (1u << 8)
#define WATCHDOG_INTERRUPT (1u << 9)
/* QEMU's loader writes a random number above the RAM that is used; the word behind it outlives a reset. */
#define SEED REGISTER(0x20100000u)
#define BOOTS REGISTER(0x20100004u)

const char machine_count_source[] = "instructions, QEMU -icount; not cycles of a device";
const uint32_t machine_clock_hertz = 25000000;

extern uint32_t machine_stack_top[], machine_data_start[], machine_data_end[], machine_data_source[];
extern uint32_t machine_bss_start[], machine_bss_end[];
int main(void);

/* Turns of the 32-bit counter. */
static volatile uint32_t turns;
/* Turns of the watchdog that are left before the last one. */
static volatile uint32_t watchdog_turns;
static volatile uint32_t watchdog_rest;

void machine_start(void)
{
    REGISTER(UART + 16) = 16;
    /* Transmitter, receiver, and the receiver's interrupt, which only ends the sleep of machine_wait. */
    REGISTER(UART + 8) = 1 | 2 | 8;
    REGISTER(COUNTER + 8) = 0xffffffffu;
    REGISTER(COUNTER + 4) = 0xffffffffu;
    REGISTER(COUNTER) = 1 | 8;
    BOOTS++;
    NVIC_ENABLE = COUNTER_INTERRUPT;
    __asm__ volatile("cpsie i");
}

size_t machine_read(uint8_t *bytes, size_t most)
{
    size_t count = 0;
    while (count < most && (REGISTER(UART + 4) & 2) != 0)
        bytes[count++] = (uint8_t)REGISTER(UART);
    return count;
}

void wamlet_port_write(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        while ((REGISTER(UART + 4) & 1) != 0) {
        }
        REGISTER(UART) = bytes[i];
    }
}

void machine_wait(void)
{
    /* A pending interrupt ends the sleep although none is taken. */
    __asm__ volatile("cpsid i");
    REGISTER(UART + 12) = 2;
    NVIC_CLEAR_PENDING = UART_RECEIVE_INTERRUPT;
    NVIC_ENABLE = UART_RECEIVE_INTERRUPT;
    if ((REGISTER(UART + 4) & 2) == 0)
        __asm__ volatile("wfi");
    NVIC_DISABLE = UART_RECEIVE_INTERRUPT;
    __asm__ volatile("cpsie i");
}

void machine_reset(void)
{
    RESET_CONTROL = 0x05fa0004u;
    for (;;) {
    }
}

static uint64_t ticks(void)
{
    for (;;) {
        uint32_t before = turns;
        uint32_t low = 0xffffffffu - REGISTER(COUNTER + 4);
        if (before == turns)
            return (uint64_t)before << 32 | low;
    }
}

uint64_t wamlet_port_count(void)
{
    return ticks() * 5 / 16;
}

uint64_t wamlet_port_microseconds(void)
{
    return ticks() / 25;
}

uint32_t wamlet_port_random(void)
{
    return SEED ^ BOOTS * 0x9e3779b9u;
}

void machine_set_watchdog(uint64_t counts)
{
    uint64_t limit = counts * 16 / 5;
    REGISTER(WATCHDOG) = 0;
    REGISTER(WATCHDOG + 12) = 1;
    NVIC_CLEAR_PENDING = WATCHDOG_INTERRUPT;
    if (counts == 0) {
        NVIC_DISABLE = WATCHDOG_INTERRUPT;
        return;
    }
    watchdog_turns = (uint32_t)(limit >> 32);
    watchdog_rest = (uint32_t)limit;
    REGISTER(WATCHDOG + 8) = 0xffffffffu;
    REGISTER(WATCHDOG + 4) = watchdog_turns > 0 ? 0xffffffffu : watchdog_rest;
    NVIC_ENABLE = WATCHDOG_INTERRUPT;
    REGISTER(WATCHDOG) = 1 | 8;
}

static void counter_turned(void)
{
    REGISTER(COUNTER + 12) = 1;
    turns++;
}

/* Registers that an exception put on the stack. */
struct exception_frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
};

/* Called by the vector below with the frame that the exception returns to. */
__attribute__((used)) static void watchdog_expired(struct exception_frame *frame)
{
    REGISTER(WATCHDOG + 12) = 1;
    if (watchdog_turns > 0) {
        watchdog_turns--;
        if (watchdog_turns == 0)
            REGISTER(WATCHDOG + 4) = watchdog_rest;
        return;
    }
    REGISTER(WATCHDOG) = 0;
    frame->pc = (uint32_t)machine_stopped & ~1u;
    /* Only the Thumb bit: an if-then block that was interrupted is not gone on with. */
    frame->xpsr = 1u << 24;
}

__attribute__((naked)) static void watchdog_vector(void)
{
    __asm__ volatile("mrs r0, msp\n"
                     "b watchdog_expired\n");
}

void machine_reset_handler(void)
{
    COPROCESSORS |= 0xfu << 20;
    __asm__ volatile("dsb\nisb");
    for (uint32_t *to = machine_data_start, *from = machine_data_source; to < machine_data_end;)
        *to++ = *from++;
    for (uint32_t *to = machine_bss_start; to < machine_bss_end;)
        *to++ = 0;
    main();
}

/* newlib's printf would take a heap for what it never prints here: there is none. */
void *_sbrk(int bytes)
{
    (void)bytes;
    return (void *)-1;
}

/* A fault of the agent itself: start anew, the host is told by READY. */
static void fault(void)
{
    machine_reset();
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16 + 32] = {
    [0] = machine_stack_top,
    [1] = machine_reset_handler,
    [2] = fault,
    [3] = fault,
    [4] = fault,
    [5] = fault,
    [6] = fault,
    [16 + 8] = counter_turned,
    [16 + 9] = watchdog_vector,
};
