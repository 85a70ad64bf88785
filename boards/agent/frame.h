/* Frames: what travels on the line, byte for byte (docs/PROTOCOL.md, "Frames"). */
#ifndef WAMLET_FRAME_H
#define WAMLET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wamlet_frame_kind {
    WAMLET_SYN = 1,
    WAMLET_READY = 2,
    WAMLET_DATA = 3,
    WAMLET_ACK = 4,
    WAMLET_RESEND = 5,
    WAMLET_POLL = 6,
    WAMLET_LOG = 7
};

#define WAMLET_HEADER_BYTES 6u
#define WAMLET_CRC_BYTES 4u
/* Least largest message of every receiver: the longest manifest and a name fit. */
#define WAMLET_LEAST_PAYLOAD 576u
/* Largest payload of this protocol version. */
#define WAMLET_PAYLOAD_LIMIT 4096u

struct wamlet_header {
    uint8_t kind;
    uint8_t session;
    uint8_t sequence;
    uint8_t ack;
    uint16_t window;
};

/* CRC-32 of zlib; `crc` is that of the bytes before, 0 for none. */
uint32_t wamlet_crc32(uint32_t crc, const uint8_t *bytes, size_t length);

/* Most bytes of line and of window that a payload can take: windows are counted in this figure. */
uint32_t wamlet_frame_cost(uint32_t payload_bytes);

/* Largest payload whose frame costs at most `budget`, or 0. */
uint32_t wamlet_payload_within(uint32_t budget);

/*
 * Writes one frame group by group, so that no buffer holds a whole one: begin, payload (any number of times), end.
 */
struct wamlet_frame_writer {
    void (*write)(void *context, const uint8_t *bytes, size_t length);
    void *context;
    uint32_t crc;
    /* A COBS group: its code, then up to 254 bytes. */
    uint8_t group[255];
    uint32_t filled;
};

/* `delimiter_first` ends whatever a reset or a panic left on the line. */
void wamlet_frame_begin(struct wamlet_frame_writer *writer, const struct wamlet_header *header,
                        bool delimiter_first);
void wamlet_frame_payload(struct wamlet_frame_writer *writer, const uint8_t *bytes, size_t length);
void wamlet_frame_end(struct wamlet_frame_writer *writer);

/* Undoes COBS byte by byte and checks the CRC on the way. */
struct wamlet_frame_reader {
    /* Where the frame's bytes go; those beyond `capacity` are only checked. */
    uint8_t *raw;
    size_t capacity;
    size_t length;
    uint32_t crc;
    /* Bytes left of the group, and whether a zero follows it. */
    uint32_t left;
    bool zero_follows;
    bool broken;
};

void wamlet_frame_start(struct wamlet_frame_reader *reader, uint8_t *raw, size_t capacity);
void wamlet_frame_take(struct wamlet_frame_reader *reader, uint8_t byte);

/* Whether the bytes were one whole, undamaged frame of a known kind; its header, where they were. */
bool wamlet_frame_check(const struct wamlet_frame_reader *reader, struct wamlet_header *header);

#endif
