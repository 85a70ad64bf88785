/*
 * What a board gives the agent: everything that differs between a Linux process, a bare microcontroller and an
 * ESP-IDF task. A port defines these functions, fills in one `struct wamlet_board` and runs the loop of agent.h.
 * docs/BOARDS.md tells how to write one.
 */
#ifndef WAMLET_PORT_H
#define WAMLET_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Flash for modules, memory-mapped: two pointer sectors, then the slots (docs/MODULE.md, "Store"). */
struct wamlet_flash {
    /* Where address 0 of the area can be read; at least 4-aligned. */
    const uint8_t *mapped;
    uint32_t slots;
    /* Bytes of a slot, of one erase, and of one program. */
    uint32_t slot_bytes;
    uint32_t sector_bytes;
    uint32_t word_bytes;
};

/* What INFO says of the board, and the memory that it lends the agent. All of it outlives the agent. */
struct wamlet_board {
    const char *name;
    const char *chip;
    /* Empty where the chip has none. */
    const char *serial_number;
    uint32_t clock_hertz;
    /* Unit of wamlet_port_count: instructions, or cycles. */
    bool counts_instructions;
    /* What counts, for people: a register, an emulator, a clock. */
    const char *count_source;
    /* What wamlet_port_energy measures with, for people; NULL or empty where nothing does. */
    const char *energy_sensor;
    struct wamlet_flash flash;
    /* RAM for WAMR and modules; 8-aligned. */
    uint8_t *pool;
    uint32_t pool_bytes;
    /* Where bytes wait while the agent computes. */
    uint8_t *receive_buffer;
    uint32_t receive_bytes;
    /* Largest message taken, 576 to WAMLET_MOST_PAYLOAD. */
    uint32_t most_payload;
    /*
     * WAMR rounds the limit of its bounds checks up to this (`os_getpagesize`), yet allocates the unrounded size:
     * a module whose linear memory is no multiple of it could write past its end and is refused.
     */
    uint32_t page_bytes;
    /*
     * Least operand stack of a module. The rest comes from the manifest's `runtimeBytes`, which is modelled for 32-bit
     * targets; a 64-bit port gives room for larger frames.
     */
    uint32_t least_stack_bytes;
};

/* Puts bytes on the line; may block while the line is busy. */
void wamlet_port_write(const uint8_t *bytes, size_t length);

/* Sets the sector at this address of the area to 0xFF. Returns false where the flash reports a failure. */
bool wamlet_port_erase(uint32_t address);

/* Programs whole erased words. Returns false where the flash reports a failure. */
bool wamlet_port_program(uint32_t address, const uint8_t *bytes, uint32_t length);

/* Executed cycles or instructions since some moment; never goes back. */
uint64_t wamlet_port_count(void);

/* Microseconds since some moment; never goes back. */
uint64_t wamlet_port_microseconds(void);

/* Energy drawn since some moment. Returns false where nothing measures it. */
bool wamlet_port_energy(uint64_t *nanojoules);

/* A number that differs from boot to boot. */
uint32_t wamlet_port_random(void);

/*
 * Runs `run(argument)` and stops it when it takes longer than `opcodes` can take on this board: a hardware timer, or a
 * signal, leaves it by longjmp. That is safe because `run` is a module in WAMR's interpreter, which allocates nothing
 * and holds no lock while it runs; the caller throws the instance away afterwards.
 * Returns 0 where it came to its end, else the milliseconds after which it was stopped.
 */
uint32_t wamlet_port_guard(void (*run)(void *argument), void *argument, uint64_t opcodes);

#endif
