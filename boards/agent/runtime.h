/*
 * WAMR, and nothing of it outside this file: loads a payload where it lies in flash, calls it, and turns whatever a
 * module may do wrong into a refusal.
 */
#ifndef WAMLET_RUNTIME_H
#define WAMLET_RUNTIME_H

#include "manifest.h"
#include "port.h"

#define WAMLET_RUNTIME_NAME "WAMR fast interpreter"

/* Text for WAMLET_RUNTIME_VERSION_BYTES: WAMR's version, `2.4.3`. */
#define WAMLET_RUNTIME_VERSION_BYTES 16
void wamlet_runtime_version(char *text);

/* A payload in WAMR. The pointers are WAMR's; NULL where it holds none. */
struct wamlet_instance {
    void *module;
    void *instance;
    void *environment;
    void *infer;
    void *reset;
    /* Linear memory, of the manifest's size. */
    uint8_t *memory;
    /* For a profiling build: where counts by layer go. */
    uint64_t *layer_counts;
    uint32_t layers;
};

/* What a call took. */
struct wamlet_cost {
    uint64_t count;
    uint64_t microseconds;
    uint64_t nanojoules;
    bool energy_measured;
};

/* Starts WAMR on the board's pool; what it held is gone. Returns false where WAMR does not start. */
bool wamlet_runtime_start(const struct wamlet_board *board);
void wamlet_runtime_stop(void);

/*
 * Loads and instantiates a payload where it lies: data segments stay in place, so it must stay there unchanged.
 * `layer_counts` has one entry for each layer of the manifest. `before` is what the pool had given away before anything
 * of this module: its operand stack gets what is left of the bytes that the manifest promises from there on.
 * Refuses with load-failed, block-too-large; then nothing of it stays in memory.
 */
bool wamlet_runtime_load(struct wamlet_instance *instance, const struct wamlet_board *board, const uint8_t *payload,
                         const struct wamlet_manifest *manifest, uint64_t *layer_counts, uint32_t before);

/* Gives everything back. */
void wamlet_runtime_unload(struct wamlet_instance *instance);

/*
 * Runs one inference. Refuses with trapped, out-of-bounds, out-of-time, inference-failed; but for the last one, the instance is
 * unloaded, for nothing is known of its state.
 */
bool wamlet_runtime_infer(struct wamlet_instance *instance, uint64_t opcode_budget, struct wamlet_cost *cost);

/* Calls the module's `reset`; refuses as wamlet_runtime_infer. */
bool wamlet_runtime_reset(struct wamlet_instance *instance, uint64_t opcode_budget);

#endif
