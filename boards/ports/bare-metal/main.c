/* The agent's loop on a machine without an operating system. */
#include <setjmp.h>
#include <string.h>

#include "agent.h"
#include "config.h"
#include "machine.h"

#define SECTOR_BYTES 4096u
#define WORD_BYTES 4u
#define SLOTS 4u
#define SLOT_BYTES (448u * 1024u)
#define RECEIVE_BYTES 4096u

/*
 * The dearest opcodes take some 40 instructions, a call 200; bytes moved by memory.init, which no budget counts, are
 * the reason for the rest. Never less than a few million, so that start-up costs do not matter.
 */
#define COUNTS_PER_OPCODE 100u
#define LEAST_COUNTS 20000000u

/* Counts while awake, up to the latest sleep: for whoever looks from outside, as `npm run overhead` does. */
volatile uint64_t machine_awake;

static uint8_t receive_buffer[RECEIVE_BYTES];
static jmp_buf stopped;

void machine_stopped(void)
{
    longjmp(stopped, 1);
}

uint32_t wamlet_port_guard(void (*run)(void *argument), void *argument, uint64_t opcodes)
{
    uint64_t limit = LEAST_COUNTS + opcodes * COUNTS_PER_OPCODE;
    uint64_t started = wamlet_port_microseconds();
    if (setjmp(stopped) == 0) {
        machine_set_watchdog(limit);
        run(argument);
        machine_set_watchdog(0);
        return 0;
    }
    machine_set_watchdog(0);
    uint64_t milliseconds = (wamlet_port_microseconds() - started) / 1000;
    return milliseconds == 0 ? 1 : (uint32_t)milliseconds;
}

bool wamlet_port_erase(uint32_t address)
{
    memset(machine_store + address, 0xff, SECTOR_BYTES);
    return true;
}

bool wamlet_port_program(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    /* Programming clears bits and never sets one, as in the real thing. */
    for (uint32_t i = 0; i < length; i++)
        machine_store[address + i] &= bytes[i];
    return true;
}

bool wamlet_port_energy(uint64_t *nanojoules)
{
    (void)nanojoules;
    return false;
}

int main(void)
{
    static uint8_t bytes[256];
    static struct wamlet_board board;
    board = (struct wamlet_board){
        .name = machine_name,
        .chip = machine_chip,
        .serial_number = "",
        .clock_hertz = machine_clock_hertz,
        .counts_instructions = true,
        .count_source = machine_count_source,
        .flash = {machine_store, SLOTS, SLOT_BYTES, SECTOR_BYTES, WORD_BYTES},
        .pool = machine_pool_start,
        .pool_bytes = (uint32_t)(machine_pool_end - machine_pool_start),
        .receive_buffer = receive_buffer,
        .receive_bytes = RECEIVE_BYTES,
        .most_payload = WAMLET_MOST_PAYLOAD,
        .page_bytes = 8,
        .least_stack_bytes = 256,
    };
    machine_start();
    if (!wamlet_agent_start(&board))
        machine_reset();
    uint64_t woken = wamlet_port_count();
    for (;;) {
        uint32_t room = wamlet_agent_room();
        size_t got = machine_read(bytes, room < sizeof bytes ? room : sizeof bytes);
        wamlet_agent_receive(bytes, got);
        enum wamlet_step step = wamlet_agent_step();
        if (step == WAMLET_STEP_RESTART)
            machine_reset();
        if (step == WAMLET_STEP_IDLE && got == 0) {
            machine_awake += wamlet_port_count() - woken;
            machine_wait();
            woken = wamlet_port_count();
        }
    }
}
