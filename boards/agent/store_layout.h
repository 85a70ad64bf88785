/* Where the store's bytes lie, and what makes a record valid (docs/MODULE.md, "Store"). Nothing here writes flash. */
#ifndef WAMLET_STORE_LAYOUT_H
#define WAMLET_STORE_LAYOUT_H

#include "store.h"

/* Where a slot's marks begin: commit, fault, then one for each payload sector. */
#define WAMLET_MARKS_OFFSET 1024u
#define WAMLET_SLOT_HEADER_BYTES 48u
#define WAMLET_NAME_OFFSET 16u
#define WAMLET_POINTER_BYTES 20u

enum wamlet_mark {
    WAMLET_MARK_COMMIT = 0,
    WAMLET_MARK_FAULT = 1,
    /* Of payload sector i: this plus i. */
    WAMLET_MARK_SECTOR = 2
};

/* Works out header and payload sectors. Returns false where the figures leave no payload or do not divide. */
bool wamlet_layout(struct wamlet_store *store);

/* Addresses in the area. */
uint32_t wamlet_slot_address(const struct wamlet_store *store, uint32_t slot);
uint32_t wamlet_payload_address(const struct wamlet_store *store, uint32_t slot);
uint32_t wamlet_mark_address(const struct wamlet_store *store, uint32_t slot, uint32_t mark);

uint32_t wamlet_payload_sectors(const struct wamlet_store *store, uint32_t payload_bytes);

void wamlet_read_pointer(const struct wamlet_store *store, uint32_t copy, struct wamlet_pointer *pointer);
void wamlet_read_slot(const struct wamlet_store *store, uint32_t slot, struct wamlet_slot *content);

/* Compose a record in `bytes`, filled up to whole words with 0xFF. Return its length. */
uint32_t wamlet_write_pointer_record(uint8_t *bytes, const struct wamlet_pointer *pointer, uint32_t word_bytes);
uint32_t wamlet_write_slot_record(uint8_t *bytes, uint32_t sequence, struct wamlet_span name,
                                  struct wamlet_span manifest, uint32_t word_bytes);

#endif
