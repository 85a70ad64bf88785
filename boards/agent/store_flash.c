/* The store's writes to flash, each with what a failure of it refuses. */
#include "store_flash.h"

#include <string.h>

#include "refusal.h"
#include "store_layout.h"

bool wamlet_flash_failed(uint32_t address)
{
    return wamlet_refuse_number(WAMLET_FLASH_FAILED, address, "");
}

bool wamlet_flash_erase(uint32_t address)
{
    return wamlet_port_erase(address) || wamlet_flash_failed(address);
}

bool wamlet_flash_program(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    return wamlet_port_program(address, bytes, length) || wamlet_flash_failed(address);
}

bool wamlet_set_mark(struct wamlet_store *store, uint32_t slot, uint32_t mark)
{
    static const uint8_t zeros[WAMLET_MOST_WORD_BYTES];
    return wamlet_flash_program(wamlet_mark_address(store, slot, mark), zeros, store->flash->word_bytes);
}

bool wamlet_erase_header(struct wamlet_store *store, uint32_t slot)
{
    uint32_t address = wamlet_slot_address(store, slot);
    memset(&store->slots[slot], 0, sizeof store->slots[slot]);
    for (uint32_t i = 0; i < store->header_sectors; i++) {
        if (!wamlet_flash_erase(address + i * store->flash->sector_bytes))
            return false;
    }
    return true;
}

uint32_t wamlet_newest_pointer(const struct wamlet_store *store)
{
    const struct wamlet_pointer *pointers = store->pointers;
    if (!pointers[0].valid)
        return pointers[1].valid ? 1 : 2;
    return !pointers[1].valid || pointers[0].sequence >= pointers[1].sequence ? 0 : 1;
}

bool wamlet_write_pointer(struct wamlet_store *store, uint32_t slot, uint32_t slot_sequence)
{
    uint32_t newest = wamlet_newest_pointer(store);
    uint32_t copy = newest == 0 ? 1 : 0;
    uint32_t address = copy * store->flash->sector_bytes;
    const struct wamlet_pointer pointer = {
        .valid = true,
        .slot = (uint16_t)slot,
        .sequence = newest == 2 ? 1 : store->pointers[newest].sequence + 1,
        .slot_sequence = slot_sequence,
    };
    uint32_t length = wamlet_write_pointer_record(store->scratch, &pointer, store->flash->word_bytes);
    bool written = wamlet_flash_erase(address) && wamlet_flash_program(address, store->scratch, length);
    wamlet_read_pointer(store, copy, &store->pointers[copy]);
    return written;
}
