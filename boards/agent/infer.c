/* INPUT, RESULT, COUNTERS, RESET of state: a module at work. */
#include <string.h>

#include "device.h"

/* Around a piece of output in a RESULT, and what its counters take at most. */
#define PIECE_BYTES 32u
#define COUNTER_BYTES 40u
/* A packed count takes at most this. */
#define COUNT_BYTES 10u

static struct wamlet_loaded *find_loaded(const struct wamlet_device *device, uint64_t handle)
{
    for (struct wamlet_loaded *module = device->loaded; module != NULL; module = module->next) {
        if (module->handle == handle)
            return module;
    }
    wamlet_refuse_number(WAMLET_UNKNOWN_HANDLE, handle, "");
    return NULL;
}

/* Refuses with what ended the module, if something did. */
static bool check_fault(const struct wamlet_loaded *module)
{
    if (module->faulted)
        wamlet_refusal = module->fault;
    return !module->faulted;
}

/* A module that trapped or ran away: it answers nothing any more, and is not loaded again. */
static void end_module(struct wamlet_device *device, struct wamlet_loaded *module)
{
    module->faulted = true;
    module->fault = wamlet_refusal;
    wamlet_log(device, WAMLET_LOG_ERROR, "stopped for a fault: ",
               wamlet_store_name(&device->store, module->slot));
    /* A flash that cannot take the mark must not hide why the module ended. */
    (void)wamlet_store_mark_faulted(&device->store, module->slot);
    wamlet_refusal = module->fault;
}

static bool wrong_length(struct wamlet_loaded *module, uint64_t tensor, uint64_t bytes, uint64_t expected)
{
    module->receiving = false;
    wamlet_refuse_numbers(WAMLET_WRONG_LENGTH, tensor, bytes, "");
    wamlet_refusal.numbers[2] = expected;
    wamlet_refusal.number_count = 3;
    return false;
}

/* Takes a chunk of input into linear memory. */
static bool accept(struct wamlet_loaded *module, const struct wamlet_request *request)
{
    uint64_t index = request->integer[WAMLET_TAG_TENSOR], offset = request->integer[WAMLET_TAG_OFFSET];
    struct wamlet_span data = request->span[WAMLET_TAG_DATA];
    if (!check_fault(module))
        return false;
    if (index >= module->manifest.inputs)
        return wamlet_refuse_numbers(WAMLET_WRONG_TENSOR, index, module->manifest.inputs, "");
    if (request->integer[WAMLET_TAG_LAYERS] != 0 && module->manifest.layers == 0)
        return wamlet_refuse(WAMLET_NO_LAYERS, "");
    if (!module->receiving || module->frame != request->integer[WAMLET_TAG_FRAME]) {
        module->receiving = true;
        module->frame = request->integer[WAMLET_TAG_FRAME];
        memset(module->received, 0, module->manifest.inputs * sizeof module->received[0]);
    }
    struct wamlet_tensor tensor = wamlet_manifest_input(&module->manifest, (uint32_t)index);
    if (offset != module->received[index] || data.length > tensor.bytes - module->received[index])
        return wrong_length(module, index, offset + data.length, tensor.bytes);
    if (data.length > 0)
        memcpy(module->instance.memory + tensor.offset + offset, data.bytes, data.length);
    module->received[index] += (uint32_t)data.length;
    return true;
}

static bool is_whole(struct wamlet_loaded *module)
{
    module->receiving = false;
    for (uint32_t i = 0; i < module->manifest.inputs; i++) {
        uint32_t bytes = wamlet_manifest_input(&module->manifest, i).bytes;
        if (module->received[i] != bytes)
            return wrong_length(module, i, module->received[i], bytes);
    }
    return true;
}

bool wamlet_input(struct wamlet_device *device, const struct wamlet_request *request)
{
    struct wamlet_loaded *module = find_loaded(device, request->integer[WAMLET_TAG_SUBJECT]);
    struct wamlet_results *results = &device->results;
    if (module == NULL || !accept(module, request))
        return false;
    if (request->integer[WAMLET_TAG_MORE] != 0)
        return true;
    if (!is_whole(module))
        return false;
    if (!wamlet_runtime_infer(&module->instance, module->manifest.opcode_budget, &results->cost)) {
        if (wamlet_refusal.code != WAMLET_INFERENCE_FAILED)
            end_module(device, module);
        return false;
    }
    module->inferences++;
    module->totals.count += results->cost.count;
    module->totals.microseconds += results->cost.microseconds;
    module->totals.nanojoules += results->cost.nanojoules;
    results->module = module;
    results->frame = request->integer[WAMLET_TAG_FRAME];
    results->tensor = 0;
    results->offset = 0;
    results->layer = request->integer[WAMLET_TAG_LAYERS] != 0 ? 0 : module->manifest.layers;
    return true;
}

static void write_counters(struct wamlet_writer *writer, const struct wamlet_cost *cost)
{
    wamlet_write_integer(writer, 8, cost->count);
    wamlet_write_integer(writer, 9, cost->microseconds);
    wamlet_write_integer(writer, 10, cost->nanojoules);
    wamlet_write_integer(writer, 11, cost->energy_measured);
}

/* A piece of the outputs that are left. Returns whether it is the last one. */
static bool write_output(struct wamlet_results *results, struct wamlet_writer *writer)
{
    const struct wamlet_manifest *manifest = &results->module->manifest;
    struct wamlet_tensor tensor = wamlet_manifest_output(manifest, results->tensor);
    uint32_t room = (uint32_t)writer->capacity - PIECE_BYTES;
    uint32_t left = tensor.bytes - results->offset;
    uint32_t bytes = left < room ? left : room;
    wamlet_write_integer(writer, 4, results->tensor);
    wamlet_write_integer(writer, 5, results->offset);
    wamlet_write_bytes(writer, 6, results->module->instance.memory + tensor.offset + results->offset, bytes);
    results->offset += bytes;
    if (results->offset == tensor.bytes) {
        results->tensor++;
        results->offset = 0;
    }
    return results->tensor == manifest->outputs;
}

/* As many layers as one message holds. */
static void write_layers(struct wamlet_results *results, struct wamlet_writer *writer)
{
    const struct wamlet_loaded *module = results->module;
    uint32_t most = ((uint32_t)writer->capacity - PIECE_BYTES) / COUNT_BYTES;
    size_t begun = wamlet_write_begin(writer, 13);
    for (; most > 0 && results->layer < module->manifest.layers; most--)
        wamlet_write_packed(writer, module->layer_counts[results->layer++]);
    wamlet_write_end(writer, begun);
}

void wamlet_results_next(struct wamlet_device *device)
{
    struct wamlet_results *results = &device->results;
    const struct wamlet_manifest *manifest = &results->module->manifest;
    struct wamlet_writer *writer = wamlet_answer_begin(device, WAMLET_RESULT);
    bool complete = false;
    wamlet_write_integer(writer, 2, results->module->handle);
    wamlet_write_integer(writer, 3, results->frame);
    if (results->tensor < manifest->outputs) {
        bool last = write_output(results, writer);
        bool fits = writer->length + COUNTER_BYTES <= writer->capacity;
        complete = last && fits && results->layer == manifest->layers;
        if (!complete)
            wamlet_write_integer(writer, 7, 1);
    } else if (results->layer < manifest->layers) {
        wamlet_write_integer(writer, 7, 1);
        write_layers(results, writer);
    } else {
        complete = true;
    }
    if (complete) {
        write_counters(writer, &results->cost);
        results->module = NULL;
    }
    /* There is room for every message, and each was cut to what the host takes. */
    (void)wamlet_answer_end(device);
}

bool wamlet_counters(struct wamlet_device *device, const struct wamlet_request *request)
{
    const struct wamlet_loaded *module = find_loaded(device, request->integer[WAMLET_TAG_SUBJECT]);
    if (module == NULL)
        return false;
    struct wamlet_writer *writer = wamlet_answer_begin(device, WAMLET_TOTALS);
    wamlet_write_integer(writer, 1, request->integer[WAMLET_TAG_REQUEST]);
    wamlet_write_integer(writer, 2, module->inferences);
    wamlet_write_integer(writer, 3, module->totals.count);
    wamlet_write_integer(writer, 4, module->totals.microseconds);
    wamlet_write_integer(writer, 5, module->totals.nanojoules);
    return wamlet_answer_end(device);
}

bool wamlet_reset_state(struct wamlet_device *device, const struct wamlet_request *request)
{
    struct wamlet_loaded *module = find_loaded(device, request->integer[WAMLET_TAG_RESET_HANDLE]);
    if (module == NULL || !check_fault(module))
        return false;
    if ((module->manifest.features & WAMLET_FEATURE_STATE) == 0)
        return wamlet_refuse(WAMLET_NO_STATE, "");
    if (!wamlet_runtime_reset(&module->instance, module->manifest.opcode_budget)) {
        end_module(device, module);
        return false;
    }
    module->inferences = 0;
    memset(&module->totals, 0, sizeof module->totals);
    return wamlet_answer_done(device, request);
}
