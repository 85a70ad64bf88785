/*
 * Tag-length-value fields: the one encoding of manifests and of messages (docs/PROTOCOL.md, "Fields"). Reading points
 * into the bytes; nothing is copied.
 */
#ifndef WAMLET_TLV_H
#define WAMLET_TLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wamlet_field {
    uint8_t tag;
    const uint8_t *value;
    size_t length;
};

struct wamlet_fields {
    const uint8_t *at;
    const uint8_t *end;
    /* A length ran past the end; reading stops there. */
    bool malformed;
};

/* Text or bytes where they lie; no zero ends them. */
struct wamlet_span {
    const uint8_t *bytes;
    size_t length;
};

void wamlet_fields_start(struct wamlet_fields *fields, const uint8_t *bytes, size_t length);

/* Returns false at the end, and where the fields are malformed. */
bool wamlet_fields_next(struct wamlet_fields *fields, struct wamlet_field *field);

/* The value as an unsigned integer. Returns false beyond 8 bytes or 2^53 - 1, the host's limit. */
bool wamlet_field_integer(const struct wamlet_field *field, uint64_t *value);

/* Whether bytes are UTF-8, overlong forms and surrogates excluded. */
bool wamlet_is_utf8(const uint8_t *bytes, size_t length);

/* Composes fields in a buffer of fixed size. */
struct wamlet_writer {
    uint8_t *bytes;
    size_t capacity;
    size_t length;
    /* Something found no room; `length` is that of what did. */
    bool full;
};

void wamlet_writer_start(struct wamlet_writer *writer, uint8_t *bytes, size_t capacity);

/* Raw bytes; none are left out like every default. */
void wamlet_write_bytes(struct wamlet_writer *writer, uint8_t tag, const uint8_t *value, size_t length);
void wamlet_write_text(struct wamlet_writer *writer, uint8_t tag, const char *text);
/* 0 is left out. */
void wamlet_write_integer(struct wamlet_writer *writer, uint8_t tag, uint64_t value);

/* Begins a field whose length is not known yet, at most 16383 bytes; wamlet_write_end closes it. */
size_t wamlet_write_begin(struct wamlet_writer *writer, uint8_t tag);
void wamlet_write_end(struct wamlet_writer *writer, size_t begun);

/* One integer of a packed field that was begun. */
void wamlet_write_packed(struct wamlet_writer *writer, uint64_t value);

#endif
