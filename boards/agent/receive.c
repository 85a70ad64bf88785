/* The ring of received bytes, and the frames in it. */
#include "receive.h"

#include <string.h>

void wamlet_receive_start(struct wamlet_receive *receive, uint8_t *bytes, uint32_t capacity)
{
    memset(receive, 0, sizeof *receive);
    receive->bytes = bytes;
    receive->capacity = capacity;
}

static uint32_t waiting(const struct wamlet_receive *receive)
{
    return receive->written - receive->taken;
}

uint32_t wamlet_receive_room(const struct wamlet_receive *receive)
{
    return receive->capacity - waiting(receive);
}

void wamlet_receive_put(struct wamlet_receive *receive, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (wamlet_receive_room(receive) == 0) {
            receive->dropped += (uint32_t)(length - i);
            return;
        }
        receive->bytes[receive->write_at] = bytes[i];
        receive->write_at = receive->write_at + 1 == receive->capacity ? 0 : receive->write_at + 1;
        /* The byte must stand before its count says so; on one core, keeping the compiler in order is enough. */
        __atomic_signal_fence(__ATOMIC_RELEASE);
        receive->written++;
    }
}

static uint32_t place(const struct wamlet_receive *receive, uint32_t index)
{
    /* Both are at most the capacity, which is far below 2^31. */
    uint32_t at = receive->read_at + index;
    return at >= receive->capacity ? at - receive->capacity : at;
}

static uint32_t less(uint32_t place, uint32_t length)
{
    return place > length ? place - length : 0;
}

void wamlet_receive_drop(struct wamlet_receive *receive, uint32_t length)
{
    receive->read_at = place(receive, length);
    receive->taken += length;
    receive->searched = less(receive->searched, length);
    receive->ahead = less(receive->ahead, length);
    receive->ahead_searched = less(receive->ahead_searched, length);
}

static void decode(const struct wamlet_receive *receive, uint32_t start, uint32_t length,
                   struct wamlet_frame_reader *reader)
{
    for (uint32_t i = 0; i < length; i++)
        wamlet_frame_take(reader, receive->bytes[place(receive, start + i)]);
}

/* Length of what stands before the next delimiter at or behind `from`, or `limit` where there is none. */
static uint32_t find_delimiter(const struct wamlet_receive *receive, uint32_t from, uint32_t limit)
{
    while (from < limit && receive->bytes[place(receive, from)] != 0)
        from++;
    return from;
}

enum wamlet_arrival wamlet_receive_next(struct wamlet_receive *receive, uint8_t *raw, size_t capacity,
                                        struct wamlet_header *header, size_t *length)
{
    for (;;) {
        uint32_t limit = waiting(receive);
        uint32_t longest = wamlet_frame_cost(WAMLET_PAYLOAD_LIMIT);
        uint32_t end = find_delimiter(receive, receive->searched, limit);
        struct wamlet_frame_reader reader;
        receive->searched = end;
        if (end == limit) {
            /* What has grown longer than any frame is none; without this, noise would fill the buffer for good. */
            if (limit < (receive->capacity < longest ? receive->capacity : longest))
                return WAMLET_NOTHING;
            wamlet_receive_drop(receive, limit);
            return WAMLET_DAMAGED;
        }
        wamlet_frame_start(&reader, raw, capacity);
        decode(receive, 0, end, &reader);
        wamlet_receive_drop(receive, end + 1);
        if (end == 0)
            continue;
        if (!wamlet_frame_check(&reader, header) || reader.length - WAMLET_CRC_BYTES > capacity)
            return WAMLET_DAMAGED;
        *length = reader.length - WAMLET_CRC_BYTES;
        return WAMLET_FRAME;
    }
}

bool wamlet_receive_glance(struct wamlet_receive *receive, struct wamlet_glance *glance)
{
    uint32_t limit = waiting(receive);
    uint32_t from = receive->ahead;
    uint32_t end = find_delimiter(receive, from > receive->ahead_searched ? from : receive->ahead_searched, limit);
    uint8_t raw[WAMLET_HEADER_BYTES + sizeof glance->payload];
    struct wamlet_frame_reader reader;
    receive->ahead_searched = end;
    if (from == limit || (end == limit && limit < receive->capacity))
        return false;
    glance->start = from;
    glance->bytes = end == limit ? end - from : end - from + 1;
    wamlet_frame_start(&reader, raw, sizeof raw);
    decode(receive, from, end - from, &reader);
    glance->whole = end < limit && wamlet_frame_check(&reader, &glance->header);
    if (glance->whole) {
        size_t payload = reader.length - WAMLET_HEADER_BYTES - WAMLET_CRC_BYTES;
        glance->payload_length = (uint32_t)payload;
        memcpy(glance->payload, raw + WAMLET_HEADER_BYTES,
               payload < sizeof glance->payload ? payload : sizeof glance->payload);
    }
    return true;
}

void wamlet_receive_keep(struct wamlet_receive *receive, const struct wamlet_glance *glance)
{
    receive->ahead = glance->start + glance->bytes;
}

void wamlet_receive_remove(struct wamlet_receive *receive, const struct wamlet_glance *glance)
{
    /* What stands before it moves up to its end, for the other end of the buffer belongs to the writer. */
    for (uint32_t i = glance->start; i-- > 0;)
        receive->bytes[place(receive, i + glance->bytes)] = receive->bytes[place(receive, i)];
    wamlet_receive_drop(receive, glance->bytes);
    receive->ahead = glance->start;
    receive->ahead_searched = glance->start;
}
