/* The store's operations: each is a fixed order of erases and programs, which is what makes a power cut harmless. */
#include "store.h"

#include <string.h>

#include "refusal.h"
#include "sha256.h"
#include "store_layout.h"

static bool flash_failed(uint32_t address)
{
    return wamlet_refuse_number(WAMLET_FLASH_FAILED, address, "");
}

static bool erase(uint32_t address)
{
    return wamlet_port_erase(address) || flash_failed(address);
}

static bool program(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    return wamlet_port_program(address, bytes, length) || flash_failed(address);
}

static bool set_mark(struct wamlet_store *store, uint32_t slot, uint32_t mark)
{
    static const uint8_t zeros[WAMLET_MOST_WORD_BYTES];
    return program(wamlet_mark_address(store, slot, mark), zeros, store->flash->word_bytes);
}

static bool erase_header(struct wamlet_store *store, uint32_t slot)
{
    uint32_t address = wamlet_slot_address(store, slot);
    memset(&store->slots[slot], 0, sizeof store->slots[slot]);
    for (uint32_t i = 0; i < store->header_sectors; i++) {
        if (!erase(address + i * store->flash->sector_bytes))
            return false;
    }
    return true;
}

/* The copy of the pointer that counts: 0, 1, or 2 where neither is valid. */
static uint32_t newest_pointer(const struct wamlet_store *store)
{
    const struct wamlet_pointer *pointers = store->pointers;
    if (!pointers[0].valid)
        return pointers[1].valid ? 1 : 2;
    return !pointers[1].valid || pointers[0].sequence >= pointers[1].sequence ? 0 : 1;
}

/* Writes the copy that does not count, which then counts. */
static bool write_pointer(struct wamlet_store *store, uint32_t slot, uint32_t slot_sequence)
{
    uint32_t newest = newest_pointer(store);
    uint32_t copy = newest == 0 ? 1 : 0;
    uint32_t address = copy * store->flash->sector_bytes;
    const struct wamlet_pointer pointer = {
        .valid = true,
        .slot = (uint16_t)slot,
        .sequence = newest == 2 ? 1 : store->pointers[newest].sequence + 1,
        .slot_sequence = slot_sequence,
    };
    uint32_t length = wamlet_write_pointer_record(store->scratch, &pointer, store->flash->word_bytes);
    bool written = erase(address) && program(address, store->scratch, length);
    wamlet_read_pointer(store, copy, &store->pointers[copy]);
    return written;
}

static bool same(struct wamlet_span one, struct wamlet_span other)
{
    return one.length == other.length && memcmp(one.bytes, other.bytes, one.length) == 0;
}

/* Of two committed modules of one name the older goes, after handing over the pointer. */
static bool retire_older(struct wamlet_store *store, uint32_t newer)
{
    struct wamlet_span name = wamlet_store_name(store, newer);
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        const struct wamlet_slot *older = &store->slots[slot];
        if (older->state != WAMLET_SLOT_STORED || older->sequence >= store->slots[newer].sequence
            || !same(wamlet_store_name(store, slot), name))
            continue;
        if (wamlet_store_active(store) == slot && !write_pointer(store, newer, store->slots[newer].sequence))
            return false;
        if (!erase_header(store, slot))
            return false;
    }
    return true;
}

bool wamlet_store_mount(struct wamlet_store *store, const struct wamlet_flash *flash, uint8_t *scratch)
{
    memset(store, 0, sizeof *store);
    store->flash = flash;
    store->scratch = scratch;
    if (!wamlet_layout(store))
        return false;
    wamlet_read_pointer(store, 0, &store->pointers[0]);
    wamlet_read_pointer(store, 1, &store->pointers[1]);
    for (uint32_t slot = 0; slot < flash->slots; slot++)
        wamlet_read_slot(store, slot, &store->slots[slot]);
    for (uint32_t slot = 0; slot < flash->slots; slot++) {
        /* A flash that fails here fails again at the next deploy, which then says so. */
        if (store->slots[slot].state == WAMLET_SLOT_STORED)
            retire_older(store, slot);
    }
    return true;
}

uint32_t wamlet_store_free_slots(const struct wamlet_store *store)
{
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < store->flash->slots; slot++)
        count += store->slots[slot].state != WAMLET_SLOT_STORED;
    return count;
}

struct wamlet_span wamlet_store_name(const struct wamlet_store *store, uint32_t slot)
{
    const uint8_t *bytes = store->flash->mapped + wamlet_slot_address(store, slot) + WAMLET_NAME_OFFSET;
    struct wamlet_span name = {bytes, 0};
    while (name.length <= WAMLET_NAME_BYTES && bytes[name.length] != 0)
        name.length++;
    return name;
}

void wamlet_store_manifest(const struct wamlet_store *store, uint32_t slot, struct wamlet_manifest *manifest)
{
    const uint8_t *bytes = store->flash->mapped + wamlet_slot_address(store, slot);
    /* It was read once, when the slot was found valid. */
    wamlet_manifest_read(manifest, bytes + WAMLET_SLOT_HEADER_BYTES, (size_t)bytes[6] | (size_t)bytes[7] << 8);
}

const uint8_t *wamlet_store_payload(const struct wamlet_store *store, uint32_t slot)
{
    return store->flash->mapped + wamlet_payload_address(store, slot);
}

uint32_t wamlet_store_active(const struct wamlet_store *store)
{
    uint32_t newest = newest_pointer(store);
    if (newest == 2)
        return WAMLET_NO_SLOT;
    const struct wamlet_pointer *pointer = &store->pointers[newest];
    if (pointer->slot >= store->flash->slots)
        return WAMLET_NO_SLOT;
    const struct wamlet_slot *slot = &store->slots[pointer->slot];
    bool holds = slot->state == WAMLET_SLOT_STORED && slot->sequence == pointer->slot_sequence;
    return holds ? pointer->slot : WAMLET_NO_SLOT;
}

bool wamlet_store_find(const struct wamlet_store *store, struct wamlet_span name, uint32_t *found)
{
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        if (store->slots[slot].state == WAMLET_SLOT_STORED && same(wamlet_store_name(store, slot), name)) {
            *found = slot;
            return true;
        }
    }
    return wamlet_refuse(WAMLET_UNKNOWN_MODULE, "");
}

bool wamlet_store_intact(const struct wamlet_store *store, uint32_t slot)
{
    struct wamlet_manifest manifest;
    uint8_t digest[WAMLET_SHA256_BYTES];
    wamlet_store_manifest(store, slot, &manifest);
    wamlet_sha256(wamlet_store_payload(store, slot), manifest.payload_bytes, digest);
    return memcmp(digest, manifest.payload_sha256, sizeof digest) == 0;
}

/*
 * A slot with the very same name and manifest, committed or partial. A partial one that is older than the committed
 * module of its name does not go on: its number would lose against that one's. Nor does a faulted one: deploying it
 * again is how its fault is forgiven.
 */
static uint32_t find_same(const struct wamlet_store *store, const struct wamlet_manifest *manifest,
                          struct wamlet_span name)
{
    uint32_t committed = 0;
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        if (store->slots[slot].state == WAMLET_SLOT_STORED && same(wamlet_store_name(store, slot), name))
            committed = store->slots[slot].sequence;
    }
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        const struct wamlet_slot *content = &store->slots[slot];
        struct wamlet_manifest stored;
        if (content->state == WAMLET_SLOT_FREE || content->sequence < committed
            || !same(wamlet_store_name(store, slot), name))
            continue;
        wamlet_store_manifest(store, slot, &stored);
        if (same(stored.whole, manifest->whole)
            && (content->state == WAMLET_SLOT_PARTIAL || !content->faulted))
            return slot;
    }
    return WAMLET_NO_SLOT;
}

/*
 * The slot that a new deploy takes: the first free one after the one written last, which spreads the wear; where there
 * is none, that of the oldest deploy that was never committed.
 */
static uint32_t choose_slot(const struct wamlet_store *store)
{
    uint32_t slots = store->flash->slots;
    uint32_t last = slots - 1, partial = WAMLET_NO_SLOT;
    bool any = false;
    for (uint32_t slot = 0; slot < slots; slot++) {
        const struct wamlet_slot *content = &store->slots[slot];
        if (content->state == WAMLET_SLOT_FREE)
            continue;
        if (!any || content->sequence >= store->slots[last].sequence)
            last = slot;
        any = true;
        if (content->state == WAMLET_SLOT_PARTIAL
            && (partial == WAMLET_NO_SLOT || content->sequence < store->slots[partial].sequence))
            partial = slot;
    }
    for (uint32_t step = 1; step <= slots; step++) {
        uint32_t slot = (last + step) % slots;
        if (store->slots[slot].state == WAMLET_SLOT_FREE)
            return slot;
    }
    return partial;
}

static uint32_t next_sequence(const struct wamlet_store *store)
{
    uint32_t largest = 0;
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        if (store->slots[slot].state != WAMLET_SLOT_FREE && store->slots[slot].sequence > largest)
            largest = store->slots[slot].sequence;
    }
    for (uint32_t copy = 0; copy < 2; copy++) {
        if (store->pointers[copy].valid && store->pointers[copy].slot_sequence > largest)
            largest = store->pointers[copy].slot_sequence;
    }
    return largest + 1;
}

/* Takes a slot for a new deploy and writes its record. */
static bool write_record(struct wamlet_store *store, const struct wamlet_manifest *manifest,
                         struct wamlet_span name, uint32_t *taken)
{
    uint32_t slot = choose_slot(store);
    if (slot == WAMLET_NO_SLOT)
        return wamlet_refuse_number(WAMLET_STORE_FULL, store->flash->slots, "");
    uint32_t sequence = next_sequence(store);
    if (!erase_header(store, slot))
        return false;
    uint32_t length = wamlet_write_slot_record(store->scratch, sequence, name, manifest->whole,
                                               store->flash->word_bytes);
    bool written = program(wamlet_slot_address(store, slot), store->scratch, length);
    wamlet_read_slot(store, slot, &store->slots[slot]);
    *taken = slot;
    return written;
}

bool wamlet_store_begin(struct wamlet_store *store, const struct wamlet_manifest *manifest, struct wamlet_span name)
{
    struct wamlet_deployment *deployment = &store->deployment;
    uint32_t sectors = 0;
    deployment->under_way = false;
    if (name.length == 0)
        name = manifest->name;
    if (!wamlet_is_module_name(name.bytes, name.length))
        return wamlet_refuse(WAMLET_INVALID_MANIFEST, "The name is not 1 to 31 of [a-z0-9_.-].");
    if (manifest->payload_bytes > store->payload_bytes)
        return wamlet_refuse_numbers(WAMLET_TOO_LARGE_FOR_SLOT, manifest->payload_bytes, store->payload_bytes, "");
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        /* A deploy that was under way since the mount has got further than what was read then. */
        if (store->slots[slot].state == WAMLET_SLOT_PARTIAL)
            wamlet_read_slot(store, slot, &store->slots[slot]);
    }
    uint32_t slot = find_same(store, manifest, name);
    if (slot != WAMLET_NO_SLOT)
        sectors = store->slots[slot].state == WAMLET_SLOT_STORED ? store->payload_sectors
                                                                 : store->slots[slot].sectors;
    else if (!write_record(store, manifest, name, &slot))
        return false;
    uint64_t received = (uint64_t)sectors * store->flash->sector_bytes;
    deployment->slot = slot;
    deployment->payload_bytes = manifest->payload_bytes;
    deployment->received = received < manifest->payload_bytes ? (uint32_t)received : manifest->payload_bytes;
    deployment->rest_bytes = 0;
    deployment->under_way = true;
    return true;
}

/* Bytes of one sector: erases it before its first word, marks it once it is complete. */
static bool write_in_sector(struct wamlet_store *store, const uint8_t *bytes, uint32_t length)
{
    struct wamlet_deployment *deployment = &store->deployment;
    uint32_t sector_bytes = store->flash->sector_bytes, word = store->flash->word_bytes;
    uint32_t start = wamlet_payload_address(store, deployment->slot);
    if (deployment->received % sector_bytes == 0 && !erase(start + deployment->received))
        return false;
    uint32_t programmed = deployment->received - deployment->rest_bytes;
    deployment->received += length;
    bool complete = deployment->received == deployment->payload_bytes;

    if (deployment->rest_bytes > 0) {
        uint32_t missing = word - deployment->rest_bytes;
        uint32_t taken = length < missing ? length : missing;
        memcpy(deployment->rest + deployment->rest_bytes, bytes, taken);
        deployment->rest_bytes += taken;
        bytes += taken;
        length -= taken;
        if (deployment->rest_bytes == word) {
            if (!program(start + programmed, deployment->rest, word))
                return false;
            programmed += word;
            deployment->rest_bytes = 0;
        }
    }
    if (deployment->rest_bytes == 0) {
        uint32_t whole = length - length % word;
        if (whole > 0 && !program(start + programmed, bytes, whole))
            return false;
        programmed += whole;
        deployment->rest_bytes = length - whole;
        memcpy(deployment->rest, bytes + whole, deployment->rest_bytes);
    }
    if (complete && deployment->rest_bytes > 0) {
        memset(deployment->rest + deployment->rest_bytes, 0xff, word - deployment->rest_bytes);
        deployment->rest_bytes = 0;
        if (!program(start + programmed, deployment->rest, word))
            return false;
    }
    if (complete || deployment->received % sector_bytes == 0)
        return set_mark(store, deployment->slot,
                        WAMLET_MARK_SECTOR + wamlet_payload_sectors(store, deployment->received) - 1);
    return true;
}

bool wamlet_store_write(struct wamlet_store *store, uint64_t offset, const uint8_t *bytes, uint32_t length)
{
    struct wamlet_deployment *deployment = &store->deployment;
    if (!deployment->under_way)
        return wamlet_refuse(WAMLET_NO_DEPLOY, "A chunk came without a deploy.");
    if (offset != deployment->received || length > deployment->payload_bytes - deployment->received)
        return wamlet_refuse_numbers(WAMLET_WRONG_OFFSET, deployment->received, offset, "");
    while (length > 0) {
        uint32_t until_end = store->flash->sector_bytes - deployment->received % store->flash->sector_bytes;
        uint32_t piece = length < until_end ? length : until_end;
        if (!write_in_sector(store, bytes, piece)) {
            /* What stands there now is unknown: only a new beginning erases it. */
            deployment->under_way = false;
            return false;
        }
        bytes += piece;
        length -= piece;
    }
    return true;
}

bool wamlet_store_commit(struct wamlet_store *store, uint32_t *committed)
{
    struct wamlet_deployment *deployment = &store->deployment;
    uint32_t slot = deployment->slot;
    if (!deployment->under_way)
        return wamlet_refuse(WAMLET_NO_DEPLOY, "There is no deploy to commit.");
    if (deployment->received != deployment->payload_bytes)
        return wamlet_refuse_numbers(WAMLET_WRONG_OFFSET, deployment->received, deployment->payload_bytes, "");
    deployment->under_way = false;
    if (!wamlet_store_intact(store, slot))
        return erase_header(store, slot) && wamlet_refuse(WAMLET_HASH_MISMATCH, "");
    if (store->slots[slot].state != WAMLET_SLOT_STORED) {
        if (!set_mark(store, slot, WAMLET_MARK_COMMIT))
            return false;
        wamlet_read_slot(store, slot, &store->slots[slot]);
        if (store->slots[slot].state != WAMLET_SLOT_STORED)
            return flash_failed(wamlet_slot_address(store, slot));
    }
    *committed = slot;
    return retire_older(store, slot);
}

bool wamlet_store_activate(struct wamlet_store *store, uint32_t slot)
{
    return wamlet_store_active(store) == slot || write_pointer(store, slot, store->slots[slot].sequence);
}

bool wamlet_store_remove(struct wamlet_store *store, uint32_t slot)
{
    if (wamlet_store_active(store) == slot && !write_pointer(store, WAMLET_NO_SLOT, 0))
        return false;
    return erase_header(store, slot);
}

bool wamlet_store_mark_faulted(struct wamlet_store *store, uint32_t slot)
{
    if (store->slots[slot].state != WAMLET_SLOT_STORED || store->slots[slot].faulted)
        return true;
    bool written = set_mark(store, slot, WAMLET_MARK_FAULT);
    wamlet_read_slot(store, slot, &store->slots[slot]);
    return written;
}
