/* What the store does to flash: erases and programs, marks, headers, the pointer. Each refuses with flash-failed. */
#ifndef WAMLET_STORE_FLASH_H
#define WAMLET_STORE_FLASH_H

#include "store.h"

bool wamlet_flash_failed(uint32_t address);
bool wamlet_flash_erase(uint32_t address);
bool wamlet_flash_program(uint32_t address, const uint8_t *bytes, uint32_t length);

/* Programs a mark of a slot; see enum wamlet_mark. */
bool wamlet_set_mark(struct wamlet_store *store, uint32_t slot, uint32_t mark);

/* Erases a slot's header, which frees the slot. */
bool wamlet_erase_header(struct wamlet_store *store, uint32_t slot);

/* The copy of the pointer that counts: 0, 1, or 2 where neither is valid. */
uint32_t wamlet_newest_pointer(const struct wamlet_store *store);

/* Writes the copy that does not count, which then counts. */
bool wamlet_write_pointer(struct wamlet_store *store, uint32_t slot, uint32_t slot_sequence);

#endif
