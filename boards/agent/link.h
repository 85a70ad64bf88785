/*
 * The device's end of the line: reliable, ordered messages over bytes that may be lost, doubled or damaged. It only
 * answers: no clock, no question of its own (docs/PROTOCOL.md, "Link" and "Device").
 *
 *     line -> wamlet_receive_put -> wamlet_link_next -> events     wamlet_link_send -> wamlet_link_output -> line
 */
#ifndef WAMLET_LINK_H
#define WAMLET_LINK_H

#include "receive.h"
#include "transmit.h"

#define WAMLET_PROTOCOL_VERSION 1u
/* Bytes of the receive buffer beyond the granted window: room for frames that are not counted. */
#define WAMLET_CONTROL_RESERVE 64u
/* A log line's bytes, level included, and how many wait for the line; more are dropped. */
#define WAMLET_LOG_BYTES 112u
#define WAMLET_MOST_LOGS 4u

enum wamlet_event {
    /* Nothing is left to consume. */
    WAMLET_NO_EVENT,
    /* A new session: what the host knew from an earlier one is forgotten. */
    WAMLET_OPENED,
    /* A message; `message` and `message_bytes` hold it until the next call. */
    WAMLET_MESSAGE
};

struct wamlet_link {
    struct wamlet_receive receive;
    struct wamlet_transmit transmit;
    void (*write)(void *context, const uint8_t *bytes, size_t length);
    void *context;
    uint32_t boot_id;
    uint32_t window;
    uint16_t most_payload;
    bool open;
    uint8_t session;
    uint32_t nonce;
    /* Largest payload that the host takes. */
    uint32_t peer_payload;
    /* Number of the next DATA that is due. */
    uint8_t expected;
    /* Number behind the last DATA that the look ahead has left in the buffer. */
    uint8_t ahead_next;
    /* Cost of what was consumed and not acknowledged yet. */
    uint32_t owed;
    /* A double shows that an acknowledgement was lost. */
    bool ack_at_once;
    /* A gap was reported; once is enough until something moves. */
    bool gap_reported;
    /* wamlet_link_next has found nothing left to do. */
    bool drained;
    /* What waits to go out before DATA. */
    bool ready_waits;
    uint8_t ready_session;
    uint8_t ready_version;
    uint32_t ready_nonce;
    bool resend_waits;
    bool poll_waits;
    uint8_t poll_token[1];
    uint8_t poll_token_bytes;
    uint8_t logs[WAMLET_MOST_LOGS][WAMLET_LOG_BYTES];
    uint8_t log_bytes[WAMLET_MOST_LOGS];
    uint8_t log_session[WAMLET_MOST_LOGS];
    uint32_t log_count;
    /* The frame being consumed, header first. */
    uint8_t frame[WAMLET_HEADER_BYTES + WAMLET_MOST_PAYLOAD];
    const uint8_t *message;
    size_t message_bytes;
};

struct wamlet_link_options {
    uint8_t *receive_buffer;
    uint32_t receive_bytes;
    /* Largest payload taken in one frame. */
    uint16_t most_payload;
    /* Differs from boot to boot. */
    uint32_t boot_id;
    void (*write)(void *context, const uint8_t *bytes, size_t length);
    void *context;
};

/* Power on: announces itself. */
void wamlet_link_start(struct wamlet_link *link, const struct wamlet_link_options *options);

/*
 * Consumes what arrived up to the next event. Call it only when there is time for one more message: what is not
 * consumed is not acknowledged, and the window holds the host back.
 */
enum wamlet_event wamlet_link_next(struct wamlet_link *link);

/*
 * While no message can be taken because answers fill the transmit buffer: takes the acknowledgements that wait behind
 * that message, without which there would never be room again, and answers a POLL at the price of the messages before
 * it. Returns true where a host has opened a new session
 * behind it: what waited before that is gone, and wamlet_link_next comes to it.
 */
bool wamlet_link_look_ahead(struct wamlet_link *link);

/* Whether a message of this size can be queued. */
bool wamlet_link_has_room(const struct wamlet_link *link, uint32_t length);

/* Queues a message for reliable delivery, if a session is open. Returns false where it exceeds what the host takes. */
bool wamlet_link_send(struct wamlet_link *link, const uint8_t *payload, uint32_t length);

/* Queues a line of text outside the numbering; nobody resends it. It is cut to what fits. */
void wamlet_link_log(struct wamlet_link *link, uint8_t level, const char *text);

/* Writes the next frame. Returns false where there is none. */
bool wamlet_link_output(struct wamlet_link *link);

#endif
