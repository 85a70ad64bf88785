/* What the agent's parts share: the board, its link, its store, and the modules that are loaded. */
#ifndef WAMLET_DEVICE_H
#define WAMLET_DEVICE_H

#include "link.h"
#include "message.h"
#include "port.h"
#include "refusal.h"
#include "runtime.h"
#include "store.h"

enum wamlet_log_level {
    WAMLET_LOG_ERROR = 1,
    WAMLET_LOG_WARNING = 2,
    WAMLET_LOG_INFORMATION = 3
};

/* A loaded module; it lies in the pool, with its progress of input and its counts by layer behind it. */
struct wamlet_loaded {
    struct wamlet_loaded *next;
    uint32_t handle;
    uint32_t slot;
    struct wamlet_manifest manifest;
    struct wamlet_instance instance;
    /* Bytes taken of the pool beside linear memory. */
    uint32_t runtime_bytes;
    /* What ended it: every further frame is answered with it. */
    bool faulted;
    struct wamlet_refusal fault;
    /* The frame whose input is arriving, and how much of each tensor has. */
    bool receiving;
    uint64_t frame;
    uint32_t *received;
    uint64_t *layer_counts;
    /* Since it was loaded or its state was reset. */
    uint64_t inferences;
    struct wamlet_cost totals;
};

/* Results that wait for room in the transmit buffer. Their bytes stay in linear memory: nothing runs meanwhile. */
struct wamlet_results {
    struct wamlet_loaded *module;
    uint64_t frame;
    uint32_t tensor;
    uint32_t offset;
    /* Next layer to send; as many as the manifest has where none were asked for. */
    uint32_t layer;
    struct wamlet_cost cost;
};

struct wamlet_device {
    const struct wamlet_board *board;
    struct wamlet_link link;
    struct wamlet_store store;
    uint32_t boot_id;
    struct wamlet_loaded *loaded;
    uint32_t last_handle;
    uint64_t log_level;
    /* Pool bytes that WAMR keeps without any module. */
    uint32_t idle_bytes;
    struct wamlet_results results;
    /* A frame that was refused: what else comes of it is passed over. */
    bool refused_input;
    uint64_t refused_handle;
    uint64_t refused_frame;
    /* A deploy failed in a chunk: the chunks that were under way are passed over. */
    bool deploy_failed;
    bool restart;
    /* The answer being composed; the store composes its records here before there is one. */
    uint8_t message[WAMLET_MOST_PAYLOAD];
    struct wamlet_writer writer;
};

/* Begins an answer; wamlet_answer_end sends it. */
struct wamlet_writer *wamlet_answer_begin(struct wamlet_device *device, enum wamlet_message_type type);
bool wamlet_answer_end(struct wamlet_device *device);

/* Answers DONE. */
bool wamlet_answer_done(struct wamlet_device *device, const struct wamlet_request *request);

/* A line of the board's log, if the host wants this level: `text`, then `name` where it is not empty. */
void wamlet_log(struct wamlet_device *device, enum wamlet_log_level level, const char *text,
                struct wamlet_span name);

/*
 * What a message leads to. Each returns false where it refuses, with the latest refusal set; what it answers is queued.
 */
bool wamlet_hello(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_deploy_begin(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_deploy_chunk(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_deploy_commit(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_list(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_activate(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_remove(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_load(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_unload(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_input(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_counters(struct wamlet_device *device, const struct wamlet_request *request);
bool wamlet_reset_state(struct wamlet_device *device, const struct wamlet_request *request);

/* Queues the next piece of results that wait. Call it only while there is room for a message. */
void wamlet_results_next(struct wamlet_device *device);

void wamlet_unload_all(struct wamlet_device *device);

/* Its payload runs from flash, so a loaded module is neither replaced nor removed under its feet. */
bool wamlet_refuse_while_loaded(const struct wamlet_device *device, struct wamlet_span name);

#endif
