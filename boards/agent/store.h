/*
 * The module store: named modules in flash that survive a power cut at any moment. docs/MODULE.md, "Store", fixes its
 * bytes and the order of its writes; host/emulator/store.ts is the reference.
 *
 * What it promises: a deploy writes a free slot and never the active one; a module counts from the moment its commit
 * mark stands, after its hash was read back from flash; whatever moment the power goes, after the reboot the active
 * module is the old one or the new one, whole.
 */
#ifndef WAMLET_STORE_H
#define WAMLET_STORE_H

#include "config.h"
#include "manifest.h"
#include "port.h"

#define WAMLET_NO_SLOT 0xffffu

enum wamlet_slot_state {
    /* Nothing that counts. */
    WAMLET_SLOT_FREE,
    /* A deploy that was begun and not committed. */
    WAMLET_SLOT_PARTIAL,
    /* A module. */
    WAMLET_SLOT_STORED
};

struct wamlet_slot {
    uint8_t state;
    /* It trapped or ran away once. */
    bool faulted;
    /* Of a partial one: payload sectors that are complete. */
    uint32_t sectors;
    /* Counts deploys: the larger, the later. */
    uint32_t sequence;
};

struct wamlet_pointer {
    bool valid;
    uint16_t slot;
    uint32_t sequence;
    uint32_t slot_sequence;
};

/* The deploy under way. */
struct wamlet_deployment {
    bool under_way;
    uint32_t slot;
    uint32_t payload_bytes;
    uint32_t received;
    /* Received bytes that do not fill a word yet. */
    uint8_t rest[WAMLET_MOST_WORD_BYTES];
    uint32_t rest_bytes;
};

struct wamlet_store {
    const struct wamlet_flash *flash;
    /* 1024 bytes in which records are composed; nobody else's while a function of the store runs. */
    uint8_t *scratch;
    uint32_t header_sectors;
    uint32_t payload_sectors;
    /* Longest payload that a slot can keep. */
    uint32_t payload_bytes;
    struct wamlet_pointer pointers[2];
    struct wamlet_slot slots[WAMLET_MOST_SLOTS];
    struct wamlet_deployment deployment;
};

/* Mounts the store and finishes what a power cut interrupted. Returns false where its figures cannot be. */
bool wamlet_store_mount(struct wamlet_store *store, const struct wamlet_flash *flash, uint8_t *scratch);

/*
 * Of two committed modules of one name the older goes, after handing over the pointer: what a mount finishes where a
 * power cut kept a commit from it.
 */
bool wamlet_store_retire_older(struct wamlet_store *store, uint32_t newer);

bool wamlet_same_bytes(struct wamlet_span one, struct wamlet_span other);

/* Slots that hold no committed module. */
uint32_t wamlet_store_free_slots(const struct wamlet_store *store);

/* A partial or stored slot's name on this board and manifest, where they lie. */
struct wamlet_span wamlet_store_name(const struct wamlet_store *store, uint32_t slot);
void wamlet_store_manifest(const struct wamlet_store *store, uint32_t slot, struct wamlet_manifest *manifest);
const uint8_t *wamlet_store_payload(const struct wamlet_store *store, uint32_t slot);

/* The active module's slot, or WAMLET_NO_SLOT. */
uint32_t wamlet_store_active(const struct wamlet_store *store);

/* Slot of the module of this name. Refuses with unknown-module. */
bool wamlet_store_find(const struct wamlet_store *store, struct wamlet_span name, uint32_t *slot);

/* Whether the payload in flash is what the manifest says. */
bool wamlet_store_intact(const struct wamlet_store *store, uint32_t slot);

/*
 * Begins a deploy of a manifest that was checked, or resumes one of the same name and manifest: `deployment.received`
 * says from which byte it goes on. `manifest` must not lie in the scratch.
 */
bool wamlet_store_begin(struct wamlet_store *store, const struct wamlet_manifest *manifest, struct wamlet_span name);

/* Takes the next bytes of the payload. */
bool wamlet_store_write(struct wamlet_store *store, uint64_t offset, const uint8_t *bytes, uint32_t length);

/* Ends the deploy: checks the payload's hash and makes it count; where it replaces the active module, it is active. */
bool wamlet_store_commit(struct wamlet_store *store, uint32_t *slot);

bool wamlet_store_activate(struct wamlet_store *store, uint32_t slot);
bool wamlet_store_remove(struct wamlet_store *store, uint32_t slot);

/* Marks a module as one that trapped or ran away; the mark survives a reset. */
bool wamlet_store_mark_faulted(struct wamlet_store *store, uint32_t slot);

#endif
