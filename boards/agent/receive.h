/*
 * Bytes that have arrived and wait to be consumed: a ring with one writer (an interrupt, or the loop itself) and one
 * reader (the loop). Bytes that find it full are dropped, never those before them.
 */
#ifndef WAMLET_RECEIVE_H
#define WAMLET_RECEIVE_H

#include "frame.h"

struct wamlet_receive {
    uint8_t *bytes;
    uint32_t capacity;
    /* Bytes written and read since the start, wrapping at 2^32; each has one side that changes it. */
    volatile uint32_t written;
    uint32_t taken;
    uint32_t write_at;
    uint32_t read_at;
    /* Bytes behind `taken` in which no delimiter was found. */
    uint32_t searched;
    /* Where the look ahead goes on: bytes before it are frames that stay, and none ends before the second. */
    uint32_t ahead;
    uint32_t ahead_searched;
    volatile uint32_t dropped;
};

/* What wamlet_receive_next found. */
enum wamlet_arrival {
    WAMLET_NOTHING,
    WAMLET_FRAME,
    WAMLET_DAMAGED
};

void wamlet_receive_start(struct wamlet_receive *receive, uint8_t *bytes, uint32_t capacity);

/* Bytes that find room now. */
uint32_t wamlet_receive_room(const struct wamlet_receive *receive);

/* The writer's side. */
void wamlet_receive_put(struct wamlet_receive *receive, const uint8_t *bytes, size_t length);

/*
 * Consumes up to the next delimiter and decodes the frame before it, header included, into `raw`. A frame that does
 * not fit counts as damaged. `length` is that of header and payload.
 */
enum wamlet_arrival wamlet_receive_next(struct wamlet_receive *receive, uint8_t *raw, size_t capacity,
                                        struct wamlet_header *header, size_t *length);

/* A frame that waits behind others: where it stands, how long it is with its delimiter, and how it begins. */
struct wamlet_glance {
    /* Bytes from the first one that waits. */
    uint32_t start;
    uint32_t bytes;
    /* Whether it is a frame: if not, header and payload say nothing. */
    bool whole;
    struct wamlet_header header;
    /* Beginning of the payload, and length of the whole. */
    uint8_t payload[8];
    uint32_t payload_length;
};

/*
 * Looks at the first frame, or what is left of one, that was not looked at before, without consuming it. Bytes without a
 * delimiter are one only where the buffer is full, for no more can come that would make them one. Returns false where
 * there is none. What it found is to be kept, removed or dropped before it is called again.
 */
bool wamlet_receive_glance(struct wamlet_receive *receive, struct wamlet_glance *glance);

/* Leaves a frame that was looked at where it is. */
void wamlet_receive_keep(struct wamlet_receive *receive, const struct wamlet_glance *glance);

/*
 * Takes what was looked at out of the buffer, so that the room is free for others; what follows it then begins where it
 * began.
 */
void wamlet_receive_remove(struct wamlet_receive *receive, const struct wamlet_glance *glance);

/* Drops this many bytes. */
void wamlet_receive_drop(struct wamlet_receive *receive, uint32_t length);

#endif
