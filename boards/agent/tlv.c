/* Fields, read and written in place. */
#include "tlv.h"

#include <string.h>

#define LARGEST_INTEGER ((1ull << 53) - 1)

void wamlet_fields_start(struct wamlet_fields *fields, const uint8_t *bytes, size_t length)
{
    fields->at = bytes;
    fields->end = bytes + length;
    fields->malformed = false;
}

bool wamlet_fields_next(struct wamlet_fields *fields, struct wamlet_field *field)
{
    uint64_t length = 0;
    if (fields->malformed || fields->at == fields->end)
        return false;
    field->tag = *fields->at++;
    for (unsigned shift = 0;; shift += 7) {
        if (fields->at == fields->end || shift > 28) {
            fields->malformed = true;
            return false;
        }
        uint8_t byte = *fields->at++;
        length |= (uint64_t)(byte & 0x7fu) << shift;
        if (byte < 0x80)
            break;
    }
    if (length > (uint64_t)(fields->end - fields->at)) {
        fields->malformed = true;
        return false;
    }
    field->value = fields->at;
    field->length = (size_t)length;
    fields->at += field->length;
    return true;
}

bool wamlet_field_integer(const struct wamlet_field *field, uint64_t *value)
{
    uint64_t sum = 0;
    if (field->length > 8)
        return false;
    for (size_t i = field->length; i-- > 0;)
        sum = sum << 8 | field->value[i];
    *value = sum;
    return sum <= LARGEST_INTEGER;
}

bool wamlet_is_utf8(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        uint8_t lead = bytes[at++];
        /* Range of the second byte: narrower where a wider one would be overlong, a surrogate or above U+10FFFF. */
        uint8_t least = 0x80, most = 0xbf;
        unsigned following;
        if (lead < 0x80)
            continue;
        if (lead >= 0xc2 && lead <= 0xdf)
            following = 1;
        else if (lead >= 0xe0 && lead <= 0xef)
            following = 2;
        else if (lead >= 0xf0 && lead <= 0xf4)
            following = 3;
        else
            return false;
        if (lead == 0xe0)
            least = 0xa0;
        else if (lead == 0xed)
            most = 0x9f;
        else if (lead == 0xf0)
            least = 0x90;
        else if (lead == 0xf4)
            most = 0x8f;
        for (; following > 0; following--) {
            if (at == length || bytes[at] < least || bytes[at] > most)
                return false;
            at++;
            least = 0x80;
            most = 0xbf;
        }
    }
    return true;
}

void wamlet_writer_start(struct wamlet_writer *writer, uint8_t *bytes, size_t capacity)
{
    writer->bytes = bytes;
    writer->capacity = capacity;
    writer->length = 0;
    writer->full = false;
}

static void put(struct wamlet_writer *writer, const uint8_t *bytes, size_t length)
{
    if (writer->full || length > writer->capacity - writer->length) {
        writer->full = true;
        return;
    }
    if (length > 0)
        memcpy(writer->bytes + writer->length, bytes, length);
    writer->length += length;
}

void wamlet_write_packed(struct wamlet_writer *writer, uint64_t value)
{
    uint8_t bytes[10];
    size_t length = 0;
    for (; value > 0x7f; value >>= 7)
        bytes[length++] = (uint8_t)(value | 0x80);
    bytes[length++] = (uint8_t)value;
    put(writer, bytes, length);
}

void wamlet_write_bytes(struct wamlet_writer *writer, uint8_t tag, const uint8_t *value, size_t length)
{
    if (length == 0)
        return;
    put(writer, &tag, 1);
    wamlet_write_packed(writer, length);
    put(writer, value, length);
}

void wamlet_write_text(struct wamlet_writer *writer, uint8_t tag, const char *text)
{
    wamlet_write_bytes(writer, tag, (const uint8_t *)text, strlen(text));
}

void wamlet_write_integer(struct wamlet_writer *writer, uint8_t tag, uint64_t value)
{
    uint8_t bytes[8];
    size_t length = 0;
    for (; value > 0; value >>= 8)
        bytes[length++] = (uint8_t)value;
    wamlet_write_bytes(writer, tag, bytes, length);
}

size_t wamlet_write_begin(struct wamlet_writer *writer, uint8_t tag)
{
    size_t begun = writer->length;
    put(writer, &tag, 1);
    return begun;
}

void wamlet_write_end(struct wamlet_writer *writer, size_t begun)
{
    if (writer->full)
        return;
    size_t length = writer->length - begun - 1;
    size_t moved = length > 0x7f ? 2 : 1;
    uint8_t encoded[2] = {(uint8_t)length, 0};
    if (length == 0) {
        /* An empty field is a default, which is left out. */
        writer->length = begun;
        return;
    }
    if (length > 0x7f) {
        encoded[0] = (uint8_t)(length | 0x80);
        encoded[1] = (uint8_t)(length >> 7);
    }
    if (moved > writer->capacity - writer->length) {
        writer->full = true;
        return;
    }
    memmove(writer->bytes + begun + 1 + moved, writer->bytes + begun + 1, length);
    memcpy(writer->bytes + begun + 1, encoded, moved);
    writer->length += moved;
}
