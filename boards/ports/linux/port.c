/*
 * The Linux port: flash is a file or memory, the line a socket or a terminal, the watchdog a timer of processor time.
 *
 *     wamlet-agent-linux --listen tcp:0 --flash board.flash --slots 8 --slot-bytes 8388608 …
 */
#define _GNU_SOURCE
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent.h"
#include "counters.h"
#include "line.h"

/*
 * An opcode takes 1 to 3 ns on a desktop and some 20 ns on a small single-board computer; a sanitizer's build and bytes
 * moved by memory.init, which no budget counts, are the reason for the rest.
 */
#define NANOSECONDS_PER_OPCODE 50u
#define LEAST_MILLISECONDS 1000u
#define MOST_MILLISECONDS (24u * 3600u * 1000u)

static uint8_t *flash;
static uint32_t sector_bytes;

static sigjmp_buf stopped;
static volatile sig_atomic_t guarded;

static void stop(int signal)
{
    (void)signal;
    if (guarded)
        siglongjmp(stopped, 1);
}

static void set_timer(uint32_t milliseconds)
{
    struct itimerval timer = {{0, 0}, {milliseconds / 1000, milliseconds % 1000 * 1000}};
    setitimer(ITIMER_PROF, &timer, NULL);
}

uint32_t wamlet_port_guard(void (*run)(void *argument), void *argument, uint64_t opcodes)
{
    /* Processor time, not time: a busy machine does not make a module a runaway. */
    uint64_t milliseconds = LEAST_MILLISECONDS + opcodes / (1000000u / NANOSECONDS_PER_OPCODE);
    uint32_t limit = milliseconds < MOST_MILLISECONDS ? (uint32_t)milliseconds : MOST_MILLISECONDS;
    uint32_t exceeded = 0;
    if (sigsetjmp(stopped, 1) == 0) {
        guarded = 1;
        set_timer(limit);
        run(argument);
    } else {
        exceeded = limit;
    }
    guarded = 0;
    set_timer(0);
    return exceeded;
}

void wamlet_port_write(const uint8_t *bytes, size_t length)
{
    line_write(bytes, length);
}

bool wamlet_port_erase(uint32_t address)
{
    memset(flash + address, 0xff, sector_bytes);
    return true;
}

bool wamlet_port_program(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    /* Programming clears bits and never sets one, as in the real thing. */
    for (uint32_t i = 0; i < length; i++)
        flash[address + i] &= bytes[i];
    return true;
}

uint32_t wamlet_port_random(void)
{
    uint32_t value = 0;
    if (getrandom(&value, sizeof value, 0) != sizeof value)
        value = (uint32_t)wamlet_port_microseconds();
    return value;
}

/* Maps the flash's file, a new one erased, or erased memory where there is none. */
static bool open_flash(const char *path, size_t bytes)
{
    int file = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    struct stat status = {0};
    if (path != NULL && (file < 0 || fstat(file, &status) != 0 || (status.st_size != 0 && (size_t)status.st_size != bytes))) {
        fprintf(stderr, "%s is no flash of %zu bytes\n", path, bytes);
        return false;
    }
    if (path != NULL && ftruncate(file, (off_t)bytes) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    int flags = path == NULL ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    flash = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
    if (flash == MAP_FAILED) {
        fprintf(stderr, "no memory for a flash of %zu bytes\n", bytes);
        return false;
    }
    if (status.st_size == 0)
        memset(flash, 0xff, bytes);
    return true;
}

/* The number behind an option, or what it is without one. */
static uint32_t option(int count, const char *const *arguments, const char *name, uint32_t otherwise)
{
    for (int i = 1; i + 1 < count; i++) {
        if (strcmp(arguments[i], name) == 0)
            return (uint32_t)strtoul(arguments[i + 1], NULL, 10);
    }
    return otherwise;
}

static const char *text_option(int count, const char *const *arguments, const char *name, const char *otherwise)
{
    for (int i = 1; i + 1 < count; i++) {
        if (strcmp(arguments[i], name) == 0)
            return arguments[i + 1];
    }
    return otherwise;
}

static int serve(const struct wamlet_board *board)
{
    static uint8_t bytes[4096];
    enum wamlet_step step = WAMLET_STEP_BUSY;
    for (;;) {
        uint32_t room = wamlet_agent_room();
        int got = line_read(bytes, room < sizeof bytes ? room : sizeof bytes, step == WAMLET_STEP_IDLE ? -1 : 0);
        if (got < 0)
            return 0;
        wamlet_agent_receive(bytes, (size_t)got);
        step = wamlet_agent_step();
        if (step == WAMLET_STEP_RESTART && !wamlet_agent_start(board))
            return 1;
    }
}

int wamlet_linux_main(int count, const char *const *arguments)
{
    static char chip[128];
    struct utsname machine;
    struct sigaction action = {.sa_handler = stop};
    char url[320];
    struct wamlet_board board = {
        .name = "linux",
        .chip = chip,
        .serial_number = "",
        .flash = {.slots = option(count, arguments, "--slots", 8),
                  .slot_bytes = option(count, arguments, "--slot-bytes", 8u << 20),
                  .sector_bytes = option(count, arguments, "--sector-bytes", 4096),
                  .word_bytes = option(count, arguments, "--word-bytes", 1)},
        .pool_bytes = option(count, arguments, "--pool-bytes", 64u << 20),
        .receive_bytes = option(count, arguments, "--receive-bytes", 64u << 10),
        .most_payload = 4096,
        .page_bytes = (uint32_t)getpagesize(),
        .least_stack_bytes = option(count, arguments, "--stack-bytes", 64u << 10),
    };
    uname(&machine);
    snprintf(chip, sizeof chip, "%s, a Linux process", machine.machine);
    counters_open(&board);
    sigaction(SIGPROF, &action, NULL);

    sector_bytes = board.flash.sector_bytes;
    size_t flash_bytes = 2 * (size_t)sector_bytes + (size_t)board.flash.slots * board.flash.slot_bytes;
    board.pool = aligned_alloc(4096, (board.pool_bytes + 4095u) & ~4095u);
    board.receive_buffer = malloc(board.receive_bytes);
    if (!open_flash(text_option(count, arguments, "--flash", NULL), flash_bytes))
        return 1;
    if (board.pool == NULL || board.receive_buffer == NULL) {
        fprintf(stderr, "no memory for a pool of %u bytes\n", (unsigned)board.pool_bytes);
        return 1;
    }
    board.flash.mapped = flash;
    if (!line_open(text_option(count, arguments, "--listen", "tcp:0"), url, sizeof url))
        return 1;
    if (!wamlet_agent_start(&board)) {
        fprintf(stderr, "the board's figures cannot be\n");
        return 1;
    }
    printf("READY %s\n", url);
    fflush(stdout);
    return serve(&board);
}
