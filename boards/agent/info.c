/* INFO: what the board is, and how its memory and its store stand. */
#include "agent.h"
#include "device.h"
#include "pool.h"

bool wamlet_hello(struct wamlet_device *device, const struct wamlet_request *request)
{
    const struct wamlet_board *board = device->board;
    char version[WAMLET_RUNTIME_VERSION_BYTES];
    struct wamlet_writer *writer = wamlet_answer_begin(device, WAMLET_INFO);
    wamlet_runtime_version(version);
    wamlet_log(device, WAMLET_LOG_INFORMATION, "session with ", request->span[WAMLET_TAG_SUBJECT]);
    wamlet_write_integer(writer, 1, request->integer[WAMLET_TAG_REQUEST]);
    wamlet_write_integer(writer, 2, WAMLET_PROTOCOL_VERSION);
    wamlet_write_text(writer, 3, board->name);
    wamlet_write_text(writer, 4, board->chip);
    wamlet_write_text(writer, 5, WAMLET_AGENT_VERSION);
    wamlet_write_integer(writer, 6, board->clock_hertz);
    wamlet_write_integer(writer, 7, board->counts_instructions);
    wamlet_write_text(writer, 8, board->count_source);
    wamlet_write_integer(writer, 9, wamlet_pool_total());
    wamlet_write_integer(writer, 10, wamlet_pool_used());
    wamlet_write_integer(writer, 11, wamlet_pool_high_water());
    wamlet_write_integer(writer, 12, wamlet_pool_largest());
    wamlet_write_integer(writer, 13, device->link.window);
    wamlet_write_integer(writer, 14, device->link.most_payload);
    wamlet_write_text(writer, 15, WAMLET_RUNTIME_NAME);
    wamlet_write_text(writer, 16, version);
    wamlet_write_integer(writer, 17, board->page_bytes);
    wamlet_write_integer(writer, 18, WAMLET_OFFERED_FEATURES);
    wamlet_write_integer(writer, 19, board->flash.slots);
    wamlet_write_integer(writer, 20, device->store.payload_bytes);
    wamlet_write_integer(writer, 21, wamlet_store_free_slots(&device->store));
    wamlet_write_text(writer, 22, board->serial_number);
    wamlet_write_integer(writer, 23, device->boot_id);
    wamlet_write_text(writer, 24, board->energy_sensor == NULL ? "" : board->energy_sensor);
    return wamlet_answer_end(device);
}
