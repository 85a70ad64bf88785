/*
 * The sending half of the link: go-back-N over numbered DATA within the host's window. It resends only on evidence
 * that a frame was lost, so the bytes under way are always known (docs/PROTOCOL.md, "Link").
 */
#ifndef WAMLET_TRANSMIT_H
#define WAMLET_TRANSMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

/* Fewer than the protocol's 127: each takes 8 bytes of RAM, and the buffer is full long before. */
#define WAMLET_MOST_UNACKNOWLEDGED 32u
/* Between two pieces of evidence no more than twice that many transmissions happen. */
#define WAMLET_MOST_TRANSMISSIONS (2u * WAMLET_MOST_UNACKNOWLEDGED)

struct wamlet_transmit {
    /* Payloads from the first unacknowledged one on, one behind the other, round and round. */
    uint8_t bytes[WAMLET_TRANSMIT_BYTES];
    uint32_t first_byte;
    uint32_t used;
    /* Of each payload: its length and the number of its latest transmission, 0 for none. */
    struct {
        uint16_t length;
        uint32_t order;
    } entries[WAMLET_MOST_UNACKNOWLEDGED];
    uint32_t first_entry;
    uint32_t count;
    /* Index from the first entry of the next one to send, and how many were sent at least once. */
    uint32_t cursor;
    uint32_t high;
    /* Sequence number of the first entry. */
    uint8_t base;
    uint32_t window;
    /* Costs of the transmissions after `settled` up to `order`: they may still be under way. */
    uint16_t costs[WAMLET_MOST_TRANSMISSIONS];
    uint32_t order;
    uint32_t settled;
    uint32_t under_way;
    /* A request to resend is obeyed once until something moves, so that its duplicate does no harm. */
    bool obeyed;
};

/* A payload to be put on the line: its two pieces, because it may wrap around the buffer's end. */
struct wamlet_outgoing {
    const uint8_t *first;
    uint32_t first_bytes;
    const uint8_t *second;
    uint32_t second_bytes;
    uint8_t sequence;
    bool resent;
};

void wamlet_transmit_reset(struct wamlet_transmit *transmit, uint32_t window);

/* Whether a message of this size can be queued. */
bool wamlet_transmit_has_room(const struct wamlet_transmit *transmit, uint32_t length);

/* Queues a message for which there is room. */
void wamlet_transmit_queue(struct wamlet_transmit *transmit, const uint8_t *payload, uint32_t length);

/* Number that the next transmission will carry. */
uint8_t wamlet_transmit_sequence(const struct wamlet_transmit *transmit);

/* The next payload for the line, if window and numbering allow one. */
bool wamlet_transmit_next(struct wamlet_transmit *transmit, struct wamlet_outgoing *outgoing);

/* Takes a cumulative acknowledgement; one that says nothing new is passed over. */
void wamlet_transmit_acknowledge(struct wamlet_transmit *transmit, uint8_t ack);

/* The host asks for everything from the first unacknowledged message on. */
void wamlet_transmit_resend(struct wamlet_transmit *transmit);

#endif
