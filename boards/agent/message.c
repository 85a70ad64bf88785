/* Reads any message of the host by one table. */
#include "message.h"

#include <string.h>

enum kind {
    KIND_NONE,
    KIND_INTEGER,
    KIND_TEXT,
    KIND_BYTES,
    /* A choice of two names. */
    KIND_TWO
};

/* By message type, then by tag; a flag is an integer. */
static const uint8_t kinds[][WAMLET_MOST_TAGS] = {
    [WAMLET_HELLO] = {[1] = KIND_INTEGER, [2] = KIND_TEXT},
    [WAMLET_DEPLOY_BEGIN] = {[1] = KIND_INTEGER, [2] = KIND_BYTES, [3] = KIND_TEXT},
    [WAMLET_DEPLOY_CHUNK] = {[2] = KIND_INTEGER, [3] = KIND_BYTES},
    [WAMLET_DEPLOY_COMMIT] = {[1] = KIND_INTEGER},
    [WAMLET_LIST] = {[1] = KIND_INTEGER, [2] = KIND_INTEGER},
    [WAMLET_ACTIVATE] = {[1] = KIND_INTEGER, [2] = KIND_TEXT},
    [WAMLET_REMOVE] = {[1] = KIND_INTEGER, [2] = KIND_TEXT},
    [WAMLET_LOAD] = {[1] = KIND_INTEGER, [2] = KIND_TEXT},
    [WAMLET_UNLOAD] = {[1] = KIND_INTEGER, [2] = KIND_INTEGER},
    [WAMLET_INPUT] = {[2] = KIND_INTEGER, [3] = KIND_INTEGER, [4] = KIND_INTEGER, [5] = KIND_INTEGER,
                      [6] = KIND_INTEGER, [7] = KIND_INTEGER, [8] = KIND_BYTES},
    [WAMLET_COUNTERS] = {[1] = KIND_INTEGER, [2] = KIND_INTEGER},
    [WAMLET_LOG_LEVEL] = {[1] = KIND_INTEGER, [2] = KIND_INTEGER},
    [WAMLET_RESET] = {[1] = KIND_INTEGER, [2] = KIND_TWO, [3] = KIND_INTEGER},
};

#define TYPES (sizeof kinds / sizeof kinds[0])

static bool read_field(struct wamlet_request *request, const struct wamlet_field *field, enum kind kind)
{
    const struct wamlet_span span = {field->value, field->length};
    switch (kind) {
    case KIND_INTEGER:
        return wamlet_field_integer(field, &request->integer[field->tag]);
    case KIND_TWO:
        return wamlet_field_integer(field, &request->integer[field->tag]) && request->integer[field->tag] < 2;
    case KIND_TEXT:
    case KIND_BYTES:
        request->span[field->tag] = span;
        return kind == KIND_BYTES || wamlet_is_utf8(field->value, field->length);
    default:
        return true;
    }
}

/* The number that an answer repeats, also of a message that cannot be read further; 0 where there is none. */
static void read_number(struct wamlet_request *request, const uint8_t *bytes, size_t length)
{
    struct wamlet_fields fields;
    struct wamlet_field field;
    uint64_t number = 0;
    bool found = false;
    wamlet_fields_start(&fields, bytes, length);
    while (wamlet_fields_next(&fields, &field)) {
        if (field.tag == WAMLET_TAG_REQUEST && !found)
            found = wamlet_field_integer(&field, &number);
    }
    request->integer[WAMLET_TAG_REQUEST] = found && !fields.malformed ? number : 0;
}

enum wamlet_decoded wamlet_request_read(struct wamlet_request *request, const uint8_t *bytes, size_t length)
{
    struct wamlet_fields fields;
    struct wamlet_field field;
    bool well_formed = true;
    memset(request, 0, sizeof *request);
    if (length == 0)
        return WAMLET_DECODED_MALFORMED;
    request->type = bytes[0];
    if (request->type == 0 || request->type >= TYPES) {
        read_number(request, bytes + 1, length - 1);
        return WAMLET_DECODED_UNKNOWN;
    }
    wamlet_fields_start(&fields, bytes + 1, length - 1);
    while (well_formed && wamlet_fields_next(&fields, &field)) {
        if (field.tag < WAMLET_MOST_TAGS)
            well_formed = read_field(request, &field, (enum kind)kinds[request->type][field.tag]);
    }
    if (well_formed && !fields.malformed)
        return WAMLET_DECODED;
    read_number(request, bytes + 1, length - 1);
    return WAMLET_DECODED_MALFORMED;
}
