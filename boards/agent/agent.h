/*
 * The agent: takes one message after the other, answers it, and computes in between. A port runs
 *
 *     wamlet_agent_start(&board);
 *     for (;;) {
 *         if (wamlet_agent_room() > 0) ... wamlet_agent_receive(bytes, length);   (or from an interrupt)
 *         switch (wamlet_agent_step()) { ... }
 *     }
 */
#ifndef WAMLET_AGENT_H
#define WAMLET_AGENT_H

#include "port.h"

#define WAMLET_AGENT_VERSION "0.1.0"

enum wamlet_step {
    /* Something was done; there may be more. */
    WAMLET_STEP_BUSY,
    /* Nothing can be done until bytes arrive: the port may sleep until then. */
    WAMLET_STEP_IDLE,
    /* The host asked for a restart of the board, and its answer is on the line. */
    WAMLET_STEP_RESTART
};

/*
 * Mounts the store, starts WAMR and announces the board; also starts it anew. Returns false where the board's figures
 * cannot be: a store without room, a receive buffer too small for one message.
 */
bool wamlet_agent_start(const struct wamlet_board *board);

/* Bytes that the receive buffer has room for. */
uint32_t wamlet_agent_room(void);

/* Bytes from the line; those that find no room are dropped. May be called from one interrupt. */
void wamlet_agent_receive(const uint8_t *bytes, size_t length);

/* Puts on the line what waits, and takes at most one message. */
enum wamlet_step wamlet_agent_step(void);

#endif
