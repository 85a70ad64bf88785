/* The agent's use of WAMR's embedding interface. */
#include "runtime.h"

#include <stdio.h>
#include <string.h>

#include "payload.h"
#include "pool.h"
#include "refusal.h"
#include "wasm_export.h"

/* WAMR's own texts are longer only where they quote a name. */
#define TEXT_BYTES 128

/* The call that is under way: what `wamlet.layer` adds to. */
static struct {
    struct wamlet_instance *instance;
    uint64_t layer_start;
} current;

/* `wamlet.layer`: the layer with this index has run. */
static void end_layer(wasm_exec_env_t environment, uint32_t index)
{
    struct wamlet_instance *instance = current.instance;
    uint64_t now = wamlet_port_count();
    if (index >= instance->layers) {
        wasm_runtime_set_exception(wasm_runtime_get_module_inst(environment), "a layer that the manifest lacks");
        return;
    }
    instance->layer_counts[index] += now - current.layer_start;
    /* What this function itself took is nobody's. */
    current.layer_start = wamlet_port_count();
}

static NativeSymbol symbols[] = {{"layer", (void *)end_layer, "(i)", NULL}};

void wamlet_runtime_version(char *text)
{
    uint32_t major, minor, patch;
    wasm_runtime_get_version(&major, &minor, &patch);
    snprintf(text, WAMLET_RUNTIME_VERSION_BYTES, "%u.%u.%u", (unsigned)major % 1000, (unsigned)minor % 1000,
             (unsigned)patch % 1000);
}

bool wamlet_runtime_start(const struct wamlet_board *board)
{
    RuntimeInitArgs arguments;
    wamlet_pool_start(board->pool, board->pool_bytes);
    memset(&arguments, 0, sizeof arguments);
    arguments.mem_alloc_type = Alloc_With_Allocator;
    arguments.mem_alloc_option.allocator.malloc_func = (void *)wamlet_pool_allocate;
    arguments.mem_alloc_option.allocator.realloc_func = (void *)wamlet_pool_reallocate;
    arguments.mem_alloc_option.allocator.free_func = (void *)wamlet_pool_free;
    arguments.native_module_name = "wamlet";
    arguments.native_symbols = symbols;
    arguments.n_native_symbols = 1;
    if (!wasm_runtime_full_init(&arguments))
        return false;
    /* What WAMR has to say reaches the host as an ERROR, not as text on the line. */
    wasm_runtime_set_log_level(WASM_LOG_LEVEL_FATAL);
    return true;
}

void wamlet_runtime_stop(void)
{
    wasm_runtime_destroy();
}

void wamlet_runtime_unload(struct wamlet_instance *instance)
{
    if (instance->environment != NULL)
        wasm_runtime_destroy_exec_env(instance->environment);
    if (instance->instance != NULL)
        wasm_runtime_deinstantiate(instance->instance);
    if (instance->module != NULL)
        wasm_runtime_unload(instance->module);
    memset(instance, 0, sizeof *instance);
}

/* Unloads what was loaded so far and says why. */
static bool fail(struct wamlet_instance *instance, const char *text)
{
    uint32_t failed = wamlet_pool_failed();
    uint32_t largest = wamlet_pool_largest();
    if (failed > 0)
        wamlet_refuse_numbers(WAMLET_BLOCK_TOO_LARGE, failed, largest, text);
    else
        wamlet_refuse(WAMLET_LOAD_FAILED, text);
    wamlet_runtime_unload(instance);
    return false;
}

static bool load_sections(struct wamlet_instance *instance, const uint8_t *payload,
                          const struct wamlet_manifest *manifest)
{
    struct wamlet_section found[WAMLET_MOST_SECTIONS];
    wasm_section_t sections[WAMLET_MOST_SECTIONS];
    char text[TEXT_BYTES] = "";
    unsigned count;
    if (!wamlet_payload_sections(payload, manifest->payload_bytes, manifest->layers > 0, found, &count))
        return false;
    if (count == 0)
        return wamlet_refuse(WAMLET_LOAD_FAILED, "The payload is empty.");
    for (unsigned i = 0; i < count; i++) {
        sections[i].next = i + 1 < count ? &sections[i + 1] : NULL;
        sections[i].section_type = found[i].id;
        /* WAMR does not write to what it is given as sections: that is why it is given sections. */
        sections[i].section_body = (uint8_t *)(uintptr_t)found[i].body;
        sections[i].section_body_size = found[i].bytes;
    }
    instance->module = wasm_runtime_load_from_sections(sections, false, text, sizeof text);
    return instance->module != NULL || fail(instance, text);
}

/* Whether linear memory is what the manifest says, and WAMR's bounds are those of what it allocated. */
static bool check_memory(struct wamlet_instance *instance, const struct wamlet_manifest *manifest,
                         uint32_t page_bytes)
{
    wasm_memory_inst_t memory = wasm_runtime_get_default_memory(instance->instance);
    if (memory == NULL)
        return fail(instance, "The module has no memory.");
    uint64_t bytes = wasm_memory_get_cur_page_count(memory) * wasm_memory_get_bytes_per_page(memory);
    if (bytes != manifest->linear_memory_bytes)
        return fail(instance, "Its linear memory is not what its manifest says.");
    if (bytes % page_bytes != 0)
        return fail(instance, "Its linear memory is no multiple of the runtime's page.");
    instance->memory = wasm_memory_get_base_address(memory);
    return true;
}

static void *find_function(struct wamlet_instance *instance, const char *name, uint32_t results)
{
    wasm_function_inst_t function = wasm_runtime_lookup_function(instance->instance, name);
    wasm_valkind_t kind = WASM_I32;
    if (function == NULL || wasm_func_get_param_count(function, instance->instance) != 0
        || wasm_func_get_result_count(function, instance->instance) != results)
        return NULL;
    if (results == 1)
        wasm_func_get_result_types(function, instance->instance, &kind);
    return kind == WASM_I32 ? function : NULL;
}

/*
 * Makes the execution environment. Its operand stack takes what the manifest promises and is not used up yet; what
 * WAMR needs around a stack is known once there is one.
 */
static bool make_environment(struct wamlet_instance *instance, const struct wamlet_manifest *manifest,
                             uint32_t least_bytes, uint32_t before)
{
    uint64_t promised = (uint64_t)manifest->linear_memory_bytes + manifest->runtime_bytes;
    instance->environment = wasm_runtime_create_exec_env(instance->instance, least_bytes);
    uint32_t used = wamlet_pool_used() - before;
    if (instance->environment == NULL || promised < used + 8u)
        return instance->environment != NULL;
    wasm_runtime_destroy_exec_env(instance->environment);
    /* Blocks of the pool are multiples of 8. */
    uint32_t stack = least_bytes + ((uint32_t)(promised - used) & ~7u);
    instance->environment = wasm_runtime_create_exec_env(instance->instance, stack);
    return instance->environment != NULL;
}

bool wamlet_runtime_load(struct wamlet_instance *instance, const struct wamlet_board *board, const uint8_t *payload,
                         const struct wamlet_manifest *manifest, uint64_t *layer_counts, uint32_t before)
{
    char text[TEXT_BYTES] = "";
    memset(instance, 0, sizeof *instance);
    wamlet_pool_failed();
    if (!load_sections(instance, payload, manifest))
        return false;
    instance->instance = wasm_runtime_instantiate(instance->module, 0, 0, text, sizeof text);
    if (instance->instance == NULL)
        return fail(instance, text);
    if (!check_memory(instance, manifest, board->page_bytes))
        return false;
    instance->infer = find_function(instance, "infer", 1);
    if (instance->infer == NULL)
        return fail(instance, "It does not export infer: () -> i32.");
    if (manifest->features & WAMLET_FEATURE_STATE) {
        instance->reset = find_function(instance, "reset", 0);
        if (instance->reset == NULL)
            return fail(instance, "It does not export reset: () -> ().");
    }
    if (!make_environment(instance, manifest, board->least_stack_bytes, before))
        return fail(instance, "No memory for its operand stack.");
    instance->layer_counts = layer_counts;
    instance->layers = manifest->layers;
    return true;
}

/* One call of a module, as wamlet_port_guard runs it. */
struct call {
    struct wamlet_instance *instance;
    void *function;
    uint32_t result;
    bool returned;
    struct wamlet_cost cost;
};

static void run(void *argument)
{
    struct call *call = argument;
    uint64_t energy_before, energy_after;
    call->cost.energy_measured = wamlet_port_energy(&energy_before);
    uint64_t microseconds = wamlet_port_microseconds();
    uint64_t count = wamlet_port_count();
    current.layer_start = count;
    call->returned = wasm_runtime_call_wasm(call->instance->environment, call->function, 0, &call->result);
    call->cost.count = wamlet_port_count() - count;
    call->cost.microseconds = wamlet_port_microseconds() - microseconds;
    /* A sensor that missed a sample measured nothing. */
    call->cost.energy_measured = call->cost.energy_measured && wamlet_port_energy(&energy_after);
    if (call->cost.energy_measured)
        call->cost.nanojoules = energy_after - energy_before;
}

static bool trapped(struct wamlet_instance *instance)
{
    const char *text = wasm_runtime_get_exception(instance->instance);
    static const char prefix[] = "Exception: ";
    /* Without its address: the interpreter does not tell it. */
    static const char out_of_bounds[] = "out of bounds memory access";
    if (text == NULL)
        text = "no reason given";
    else if (strncmp(text, prefix, sizeof prefix - 1) == 0)
        text += sizeof prefix - 1;
    wamlet_refuse(strcmp(text, out_of_bounds) == 0 ? WAMLET_OUT_OF_BOUNDS : WAMLET_TRAPPED, text);
    wamlet_runtime_unload(instance);
    return false;
}

static bool call_function(struct call *call, uint64_t opcode_budget)
{
    struct wamlet_instance *instance = call->instance;
    current.instance = instance;
    uint32_t milliseconds = wamlet_port_guard(run, call, opcode_budget);
    current.instance = NULL;
    if (milliseconds > 0) {
        wamlet_refuse_number(WAMLET_OUT_OF_TIME, milliseconds, "The watchdog stopped it; the figure is milliseconds.");
        wamlet_runtime_unload(instance);
        return false;
    }
    return call->returned || trapped(instance);
}

bool wamlet_runtime_infer(struct wamlet_instance *instance, uint64_t opcode_budget, struct wamlet_cost *cost)
{
    struct call call = {.instance = instance, .function = instance->infer};
    if (instance->layers > 0)
        memset(instance->layer_counts, 0, instance->layers * sizeof instance->layer_counts[0]);
    if (!call_function(&call, opcode_budget))
        return false;
    if (call.result != 0)
        return wamlet_refuse_number(WAMLET_INFERENCE_FAILED, call.result, "");
    *cost = call.cost;
    return true;
}

bool wamlet_runtime_reset(struct wamlet_instance *instance, uint64_t opcode_budget)
{
    struct call call = {.instance = instance, .function = instance->reset};
    return call_function(&call, opcode_budget);
}
