/* COBS and CRC-32, both without a buffer for a whole frame. */
#include "frame.h"

/* What the CRC-32 of any bytes followed by their own CRC-32 comes to. */
#define CRC_RESIDUE 0x2144df1cu
#define FULL_GROUP 255u

uint32_t wamlet_crc32(uint32_t crc, const uint8_t *bytes, size_t length)
{
    /* By half bytes: 64 bytes of table in place of 1024 for a third of the speed, and the line is slower still. */
    static const uint32_t table[16] = {
        0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
        0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu};
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ table[crc & 15u];
        crc = (crc >> 4) ^ table[crc & 15u];
    }
    return ~crc;
}

uint32_t wamlet_frame_cost(uint32_t payload_bytes)
{
    uint32_t raw = WAMLET_HEADER_BYTES + payload_bytes + WAMLET_CRC_BYTES;
    return raw + raw / 254u + 2u;
}

uint32_t wamlet_payload_within(uint32_t budget)
{
    uint32_t around = WAMLET_HEADER_BYTES + WAMLET_CRC_BYTES + 2u;
    uint32_t payload = budget > around ? budget - around : 0;
    while (payload > 0 && wamlet_frame_cost(payload) > budget)
        payload--;
    return payload;
}

static void end_group(struct wamlet_frame_writer *writer)
{
    writer->group[0] = (uint8_t)writer->filled;
    writer->write(writer->context, writer->group, writer->filled);
    writer->filled = 1;
}

static void put(struct wamlet_frame_writer *writer, uint8_t byte)
{
    if (byte != 0)
        writer->group[writer->filled++] = byte;
    if (byte == 0 || writer->filled == FULL_GROUP)
        end_group(writer);
}

void wamlet_frame_begin(struct wamlet_frame_writer *writer, const struct wamlet_header *header, bool delimiter_first)
{
    static const uint8_t delimiter = 0;
    const uint8_t bytes[WAMLET_HEADER_BYTES] = {header->kind, header->session, header->sequence, header->ack,
                                                (uint8_t)header->window, (uint8_t)(header->window >> 8)};
    writer->crc = 0;
    writer->filled = 1;
    if (delimiter_first)
        writer->write(writer->context, &delimiter, 1);
    wamlet_frame_payload(writer, bytes, sizeof bytes);
}

void wamlet_frame_payload(struct wamlet_frame_writer *writer, const uint8_t *bytes, size_t length)
{
    writer->crc = wamlet_crc32(writer->crc, bytes, length);
    for (size_t i = 0; i < length; i++)
        put(writer, bytes[i]);
}

void wamlet_frame_end(struct wamlet_frame_writer *writer)
{
    static const uint8_t delimiter = 0;
    uint32_t crc = writer->crc;
    for (unsigned i = 0; i < WAMLET_CRC_BYTES; i++)
        put(writer, (uint8_t)(crc >> (8 * i)));
    end_group(writer);
    writer->write(writer->context, &delimiter, 1);
}

void wamlet_frame_start(struct wamlet_frame_reader *reader, uint8_t *raw, size_t capacity)
{
    reader->raw = raw;
    reader->capacity = capacity;
    reader->length = 0;
    reader->crc = 0;
    reader->left = 0;
    reader->zero_follows = false;
    reader->broken = false;
}

static void store(struct wamlet_frame_reader *reader, uint8_t byte)
{
    if (reader->length < reader->capacity)
        reader->raw[reader->length] = byte;
    reader->length++;
    reader->crc = wamlet_crc32(reader->crc, &byte, 1);
}

void wamlet_frame_take(struct wamlet_frame_reader *reader, uint8_t byte)
{
    if (byte == 0) {
        reader->broken = true;
    } else if (reader->left > 0) {
        store(reader, byte);
        reader->left--;
    } else {
        /* The zero behind a group stands only where another group follows: the last one's is the delimiter. */
        if (reader->zero_follows)
            store(reader, 0);
        reader->left = byte - 1u;
        reader->zero_follows = byte != FULL_GROUP;
    }
}

bool wamlet_frame_check(const struct wamlet_frame_reader *reader, struct wamlet_header *header)
{
    const uint8_t *raw = reader->raw;
    bool whole = !reader->broken && reader->left == 0;
    if (!whole || reader->length < WAMLET_HEADER_BYTES + WAMLET_CRC_BYTES || reader->crc != CRC_RESIDUE)
        return false;
    if (raw[0] < WAMLET_SYN || raw[0] > WAMLET_LOG)
        return false;
    header->kind = raw[0];
    header->session = raw[1];
    header->sequence = raw[2];
    header->ack = raw[3];
    header->window = (uint16_t)(raw[4] | raw[5] << 8);
    return true;
}
