/* The store's records, read and composed. */
#include "store_layout.h"

#include <string.h>

#include "frame.h"

#define LAYOUT_VERSION 1u
#define SLOT_MAGIC 0x444f4d57u    /* "WMOD" */
#define POINTER_MAGIC 0x52545057u /* "WPTR" */
#define NAME_FIELD_BYTES 32u

static uint32_t read16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t read32(const uint8_t *bytes)
{
    return read16(bytes) | read16(bytes + 2) << 16;
}

static void write32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

/* Two fields of 16 bits are one of 32, little-endian. */
static void write16_16(uint8_t *bytes, uint32_t first, uint32_t second)
{
    write32(bytes, first | second << 16);
}

bool wamlet_layout(struct wamlet_store *store)
{
    const struct wamlet_flash *flash = store->flash;
    uint32_t sector = flash->sector_bytes, word = flash->word_bytes;
    if (sector == 0 || word == 0 || word > WAMLET_MOST_WORD_BYTES || sector % word != 0
        || WAMLET_MARKS_OFFSET % word != 0 || flash->slot_bytes % sector != 0 || flash->slots == 0
        || flash->slots > WAMLET_MOST_SLOTS)
        return false;
    uint32_t slot_sectors = flash->slot_bytes / sector;
    for (uint32_t header = 1; header < slot_sectors; header++) {
        uint32_t payload = slot_sectors - header;
        if (WAMLET_MARKS_OFFSET + (uint64_t)(2 + payload) * word <= (uint64_t)header * sector) {
            store->header_sectors = header;
            store->payload_sectors = payload;
            store->payload_bytes = payload * sector;
            return true;
        }
    }
    return false;
}

uint32_t wamlet_slot_address(const struct wamlet_store *store, uint32_t slot)
{
    return 2 * store->flash->sector_bytes + slot * store->flash->slot_bytes;
}

uint32_t wamlet_payload_address(const struct wamlet_store *store, uint32_t slot)
{
    return wamlet_slot_address(store, slot) + store->header_sectors * store->flash->sector_bytes;
}

uint32_t wamlet_mark_address(const struct wamlet_store *store, uint32_t slot, uint32_t mark)
{
    return wamlet_slot_address(store, slot) + WAMLET_MARKS_OFFSET + mark * store->flash->word_bytes;
}

uint32_t wamlet_payload_sectors(const struct wamlet_store *store, uint32_t payload_bytes)
{
    uint32_t sector = store->flash->sector_bytes;
    return payload_bytes / sector + (payload_bytes % sector != 0);
}

enum mark_state {
    MARK_ERASED,
    MARK_SET,
    MARK_TORN
};

static enum mark_state read_mark(const struct wamlet_store *store, uint32_t slot, uint32_t mark)
{
    const uint8_t *word = store->flash->mapped + wamlet_mark_address(store, slot, mark);
    bool erased = true, set = true;
    for (uint32_t i = 0; i < store->flash->word_bytes; i++) {
        erased = erased && word[i] == 0xff;
        set = set && word[i] == 0;
    }
    return erased ? MARK_ERASED : set ? MARK_SET : MARK_TORN;
}

void wamlet_read_pointer(const struct wamlet_store *store, uint32_t copy, struct wamlet_pointer *pointer)
{
    const uint8_t *bytes = store->flash->mapped + copy * store->flash->sector_bytes;
    pointer->valid = read32(bytes) == POINTER_MAGIC && read16(bytes + 4) == LAYOUT_VERSION
                     && read32(bytes + 16) == wamlet_crc32(0, bytes, 16);
    pointer->slot = (uint16_t)read16(bytes + 6);
    pointer->sequence = read32(bytes + 8);
    pointer->slot_sequence = read32(bytes + 12);
}

/* Over the 12 bytes before the check sum, and the name and the manifest after it. */
static uint32_t slot_checksum(const uint8_t *bytes, uint32_t manifest_bytes)
{
    uint32_t name_and_manifest = WAMLET_SLOT_HEADER_BYTES - WAMLET_NAME_OFFSET + manifest_bytes;
    return wamlet_crc32(wamlet_crc32(0, bytes, 12), bytes + WAMLET_NAME_OFFSET, name_and_manifest);
}

static bool record_is_valid(const struct wamlet_store *store, uint32_t slot)
{
    const uint8_t *bytes = store->flash->mapped + wamlet_slot_address(store, slot);
    uint32_t manifest_bytes = read16(bytes + 6);
    struct wamlet_span name;
    struct wamlet_manifest manifest;
    if (read32(bytes) != SLOT_MAGIC || read16(bytes + 4) != LAYOUT_VERSION)
        return false;
    if (manifest_bytes > WAMLET_MARKS_OFFSET - WAMLET_SLOT_HEADER_BYTES)
        return false;
    if (read32(bytes + 12) != slot_checksum(bytes, manifest_bytes))
        return false;
    name = wamlet_store_name(store, slot);
    return wamlet_is_module_name(name.bytes, name.length)
           && wamlet_manifest_read(&manifest, bytes + WAMLET_SLOT_HEADER_BYTES, manifest_bytes)
           && manifest.payload_bytes <= store->payload_bytes;
}

void wamlet_read_slot(const struct wamlet_store *store, uint32_t slot, struct wamlet_slot *content)
{
    struct wamlet_manifest manifest;
    enum mark_state commit = read_mark(store, slot, WAMLET_MARK_COMMIT);
    memset(content, 0, sizeof *content);
    if (commit == MARK_TORN || !record_is_valid(store, slot))
        return;
    content->sequence = read32(store->flash->mapped + wamlet_slot_address(store, slot) + 8);
    if (commit == MARK_SET) {
        content->state = WAMLET_SLOT_STORED;
        content->faulted = read_mark(store, slot, WAMLET_MARK_FAULT) != MARK_ERASED;
        return;
    }
    content->state = WAMLET_SLOT_PARTIAL;
    wamlet_store_manifest(store, slot, &manifest);
    uint32_t sectors = wamlet_payload_sectors(store, manifest.payload_bytes);
    /* A torn progress mark counts: it is programmed only after its sector is complete. */
    while (content->sectors < sectors
           && read_mark(store, slot, WAMLET_MARK_SECTOR + content->sectors) != MARK_ERASED)
        content->sectors++;
}

static uint32_t whole_words(uint32_t length, uint32_t word_bytes)
{
    return (length + word_bytes - 1) / word_bytes * word_bytes;
}

uint32_t wamlet_write_pointer_record(uint8_t *bytes, const struct wamlet_pointer *pointer, uint32_t word_bytes)
{
    uint32_t length = whole_words(WAMLET_POINTER_BYTES, word_bytes);
    memset(bytes, 0xff, length);
    write32(bytes, POINTER_MAGIC);
    write16_16(bytes + 4, LAYOUT_VERSION, pointer->slot);
    write32(bytes + 8, pointer->sequence);
    write32(bytes + 12, pointer->slot_sequence);
    write32(bytes + 16, wamlet_crc32(0, bytes, 16));
    return length;
}

uint32_t wamlet_write_slot_record(uint8_t *bytes, uint32_t sequence, struct wamlet_span name,
                                  struct wamlet_span manifest, uint32_t word_bytes)
{
    uint32_t manifest_bytes = (uint32_t)manifest.length;
    uint32_t length = whole_words(WAMLET_SLOT_HEADER_BYTES + manifest_bytes, word_bytes);
    memset(bytes, 0xff, length);
    write32(bytes, SLOT_MAGIC);
    write16_16(bytes + 4, LAYOUT_VERSION, manifest_bytes);
    write32(bytes + 8, sequence);
    memset(bytes + WAMLET_NAME_OFFSET, 0, NAME_FIELD_BYTES);
    memcpy(bytes + WAMLET_NAME_OFFSET, name.bytes, name.length);
    memcpy(bytes + WAMLET_SLOT_HEADER_BYTES, manifest.bytes, manifest_bytes);
    write32(bytes + 12, slot_checksum(bytes, manifest_bytes));
    return length;
}
