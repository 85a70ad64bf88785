/* Go-back-N, the device's end. */
#include "transmit.h"

#include <string.h>

#include "frame.h"

void wamlet_transmit_reset(struct wamlet_transmit *transmit, uint32_t window)
{
    memset(transmit, 0, sizeof *transmit);
    transmit->window = window;
}

bool wamlet_transmit_has_room(const struct wamlet_transmit *transmit, uint32_t length)
{
    return transmit->count < WAMLET_MOST_UNACKNOWLEDGED && length <= WAMLET_TRANSMIT_BYTES - transmit->used;
}

void wamlet_transmit_queue(struct wamlet_transmit *transmit, const uint8_t *payload, uint32_t length)
{
    uint32_t at = (transmit->first_byte + transmit->used) % WAMLET_TRANSMIT_BYTES;
    uint32_t until_end = WAMLET_TRANSMIT_BYTES - at;
    uint32_t piece = length < until_end ? length : until_end;
    uint32_t entry = (transmit->first_entry + transmit->count) % WAMLET_MOST_UNACKNOWLEDGED;
    memcpy(transmit->bytes + at, payload, piece);
    memcpy(transmit->bytes, payload + piece, length - piece);
    transmit->entries[entry].length = (uint16_t)length;
    transmit->entries[entry].order = 0;
    transmit->used += length;
    transmit->count++;
}

uint8_t wamlet_transmit_sequence(const struct wamlet_transmit *transmit)
{
    return (uint8_t)(transmit->base + transmit->cursor);
}

bool wamlet_transmit_next(struct wamlet_transmit *transmit, struct wamlet_outgoing *outgoing)
{
    uint32_t entry = (transmit->first_entry + transmit->cursor) % WAMLET_MOST_UNACKNOWLEDGED;
    uint32_t at = transmit->first_byte;
    if (transmit->cursor == transmit->count)
        return false;
    uint32_t length = transmit->entries[entry].length;
    uint32_t cost = wamlet_frame_cost(length);
    if (transmit->under_way + cost > transmit->window
        || transmit->order - transmit->settled == WAMLET_MOST_TRANSMISSIONS)
        return false;
    for (uint32_t i = 0; i < transmit->cursor; i++)
        at += transmit->entries[(transmit->first_entry + i) % WAMLET_MOST_UNACKNOWLEDGED].length;
    at %= WAMLET_TRANSMIT_BYTES;
    uint32_t until_end = WAMLET_TRANSMIT_BYTES - at;
    outgoing->first = transmit->bytes + at;
    outgoing->first_bytes = length < until_end ? length : until_end;
    outgoing->second = transmit->bytes;
    outgoing->second_bytes = length - outgoing->first_bytes;
    outgoing->sequence = wamlet_transmit_sequence(transmit);
    outgoing->resent = transmit->entries[entry].order != 0;

    transmit->order++;
    transmit->entries[entry].order = transmit->order;
    transmit->costs[transmit->order % WAMLET_MOST_TRANSMISSIONS] = (uint16_t)cost;
    transmit->under_way += cost;
    transmit->cursor++;
    if (transmit->high < transmit->cursor)
        transmit->high = transmit->cursor;
    return true;
}

/* Whatever was transmitted up to `order` has left the line: consumed, or known to be lost. */
static void settle(struct wamlet_transmit *transmit, uint32_t order)
{
    /* An order of an earlier round is settled already; the difference tells, also once the count wraps. */
    while ((int32_t)(order - transmit->settled) > 0) {
        transmit->settled++;
        transmit->under_way -= transmit->costs[transmit->settled % WAMLET_MOST_TRANSMISSIONS];
    }
}

void wamlet_transmit_acknowledge(struct wamlet_transmit *transmit, uint8_t ack)
{
    uint32_t acknowledged = (uint8_t)(ack - transmit->base);
    if (acknowledged == 0 || acknowledged > transmit->high)
        return;
    for (uint32_t i = 0; i < acknowledged; i++) {
        uint32_t length = transmit->entries[transmit->first_entry].length;
        /* Its copies before the last one are known to be lost. */
        settle(transmit, transmit->entries[transmit->first_entry].order);
        transmit->first_byte = (transmit->first_byte + length) % WAMLET_TRANSMIT_BYTES;
        transmit->used -= length;
        transmit->first_entry = (transmit->first_entry + 1) % WAMLET_MOST_UNACKNOWLEDGED;
    }
    transmit->count -= acknowledged;
    transmit->high -= acknowledged;
    transmit->cursor = transmit->cursor > acknowledged ? transmit->cursor - acknowledged : 0;
    transmit->base = ack;
    transmit->obeyed = false;
}

void wamlet_transmit_resend(struct wamlet_transmit *transmit)
{
    if (transmit->high == 0 || transmit->obeyed)
        return;
    transmit->obeyed = true;
    settle(transmit, transmit->entries[transmit->first_entry].order);
    transmit->cursor = 0;
}
