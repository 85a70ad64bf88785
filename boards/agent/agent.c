/* The loop: bytes to messages, messages to what they ask for, refusals to errors. */
#include "agent.h"

#include <string.h>

#include "device.h"
#include "pool.h"

static struct wamlet_device device;

static void write_to_line(void *context, const uint8_t *bytes, size_t length)
{
    (void)context;
    wamlet_port_write(bytes, length);
}

/* A quarter of the window, so that messages overlap; at least what every receiver takes. */
static uint16_t most_payload(const struct wamlet_board *board)
{
    uint32_t most = wamlet_payload_within((board->receive_bytes - WAMLET_CONTROL_RESERVE) / 4);
    if (most > board->most_payload)
        most = board->most_payload;
    return (uint16_t)(most < WAMLET_LEAST_PAYLOAD ? WAMLET_LEAST_PAYLOAD : most);
}

bool wamlet_agent_start(const struct wamlet_board *board)
{
    if (board->most_payload < WAMLET_LEAST_PAYLOAD || board->most_payload > WAMLET_MOST_PAYLOAD
        || board->receive_bytes < wamlet_frame_cost(WAMLET_LEAST_PAYLOAD) + WAMLET_CONTROL_RESERVE)
        return false;
    memset(&device, 0, sizeof device);
    device.board = board;
    device.boot_id = wamlet_port_random();
    device.log_level = WAMLET_LOG_WARNING;
    if (!wamlet_store_mount(&device.store, &board->flash, device.message) || !wamlet_runtime_start(board))
        return false;
    device.idle_bytes = wamlet_pool_used();
    const struct wamlet_link_options options = {
        .receive_buffer = board->receive_buffer,
        .receive_bytes = board->receive_bytes,
        .most_payload = most_payload(board),
        .boot_id = device.boot_id,
        .write = write_to_line,
    };
    wamlet_link_start(&device.link, &options);
    return true;
}

uint32_t wamlet_agent_room(void)
{
    return wamlet_receive_room(&device.link.receive);
}

void wamlet_agent_receive(const uint8_t *bytes, size_t length)
{
    wamlet_receive_put(&device.link.receive, bytes, length);
}

struct wamlet_writer *wamlet_answer_begin(struct wamlet_device *to, enum wamlet_message_type type)
{
    uint32_t most = to->link.peer_payload < WAMLET_MOST_PAYLOAD ? to->link.peer_payload : WAMLET_MOST_PAYLOAD;
    wamlet_writer_start(&to->writer, to->message, most);
    if (most > 0)
        to->message[to->writer.length++] = (uint8_t)type;
    return &to->writer;
}

bool wamlet_answer_end(struct wamlet_device *to)
{
    if (!to->writer.full && wamlet_link_send(&to->link, to->message, (uint32_t)to->writer.length))
        return true;
    return wamlet_refuse(WAMLET_MALFORMED, "The answer is longer than the host's messages.");
}

bool wamlet_answer_done(struct wamlet_device *to, const struct wamlet_request *request)
{
    wamlet_write_integer(wamlet_answer_begin(to, WAMLET_DONE), 1, request->integer[WAMLET_TAG_REQUEST]);
    return wamlet_answer_end(to);
}

void wamlet_log(struct wamlet_device *to, enum wamlet_log_level level, const char *text, struct wamlet_span name)
{
    char line[WAMLET_LOG_BYTES];
    size_t bytes = strlen(text);
    if (level > to->log_level)
        return;
    if (bytes > sizeof line - 1)
        bytes = sizeof line - 1;
    memcpy(line, text, bytes);
    if (name.length > sizeof line - 1 - bytes)
        name.length = sizeof line - 1 - bytes;
    if (name.length > 0)
        memcpy(line + bytes, name.bytes, name.length);
    line[bytes + name.length] = 0;
    wamlet_link_log(&to->link, (uint8_t)level, line);
}

static void answer_error(const struct wamlet_request *request)
{
    const struct wamlet_refusal *refusal = &wamlet_refusal;
    bool input = request->type == WAMLET_INPUT;
    struct wamlet_writer *writer = wamlet_answer_begin(&device, WAMLET_ERROR);
    if (input) {
        wamlet_write_integer(writer, 2, request->integer[WAMLET_TAG_SUBJECT]);
        wamlet_write_integer(writer, 3, request->integer[WAMLET_TAG_FRAME]);
    } else if (request->type != WAMLET_DEPLOY_CHUNK) {
        wamlet_write_integer(writer, 1, request->integer[WAMLET_TAG_REQUEST]);
    }
    wamlet_write_integer(writer, 4, refusal->code);
    wamlet_write_text(writer, 5, refusal->text);
    size_t begun = wamlet_write_begin(writer, 6);
    for (unsigned i = 0; i < refusal->number_count; i++)
        wamlet_write_packed(writer, refusal->numbers[i]);
    wamlet_write_end(writer, begun);
    wamlet_write_integer(writer, 7, input);
    /* An ERROR of at most 150 bytes fits every host. */
    (void)wamlet_answer_end(&device);
}

/* What a refused frame or deploy still had under way is not refused again. */
static bool passes_over(const struct wamlet_request *request)
{
    if (request->type == WAMLET_DEPLOY_CHUNK)
        return device.deploy_failed;
    device.deploy_failed = false;
    if (request->type != WAMLET_INPUT)
        return false;
    bool over = device.refused_input && device.refused_handle == request->integer[WAMLET_TAG_SUBJECT]
                && device.refused_frame == request->integer[WAMLET_TAG_FRAME];
    if (!over || request->integer[WAMLET_TAG_MORE] == 0)
        device.refused_input = false;
    return over;
}

static void note_refused(const struct wamlet_request *request)
{
    if (request->type == WAMLET_DEPLOY_CHUNK)
        device.deploy_failed = true;
    if (request->type == WAMLET_INPUT && request->integer[WAMLET_TAG_MORE] != 0) {
        device.refused_input = true;
        device.refused_handle = request->integer[WAMLET_TAG_SUBJECT];
        device.refused_frame = request->integer[WAMLET_TAG_FRAME];
    }
}

static bool dispatch(const struct wamlet_request *request)
{
    switch (request->type) {
    case WAMLET_HELLO:
        return wamlet_hello(&device, request);
    case WAMLET_DEPLOY_BEGIN:
        return wamlet_deploy_begin(&device, request);
    case WAMLET_DEPLOY_CHUNK:
        return wamlet_deploy_chunk(&device, request);
    case WAMLET_DEPLOY_COMMIT:
        return wamlet_deploy_commit(&device, request);
    case WAMLET_LIST:
        return wamlet_list(&device, request);
    case WAMLET_ACTIVATE:
        return wamlet_activate(&device, request);
    case WAMLET_REMOVE:
        return wamlet_remove(&device, request);
    case WAMLET_LOAD:
        return wamlet_load(&device, request);
    case WAMLET_UNLOAD:
        return wamlet_unload(&device, request);
    case WAMLET_INPUT:
        return wamlet_input(&device, request);
    case WAMLET_COUNTERS:
        return wamlet_counters(&device, request);
    case WAMLET_LOG_LEVEL:
        device.log_level = request->integer[WAMLET_TAG_SUBJECT];
        return wamlet_answer_done(&device, request);
    default:
        /* RESET: the table of messages has no other type. */
        if (request->integer[WAMLET_TAG_SUBJECT] == 0)
            return wamlet_reset_state(&device, request);
        device.restart = true;
        return wamlet_answer_done(&device, request);
    }
}

static void handle(const uint8_t *bytes, size_t length)
{
    struct wamlet_request request;
    bool accepted = false;
    switch (wamlet_request_read(&request, bytes, length)) {
    case WAMLET_DECODED_MALFORMED:
        wamlet_refuse_number(WAMLET_MALFORMED, request.type, "");
        break;
    case WAMLET_DECODED_UNKNOWN:
        wamlet_refuse_number(WAMLET_UNKNOWN_MESSAGE, request.type, "");
        break;
    case WAMLET_DECODED:
        accepted = passes_over(&request) || dispatch(&request);
        if (!accepted)
            note_refused(&request);
        break;
    }
    if (!accepted)
        answer_error(&request);
}

static bool flush(void)
{
    bool any = false;
    while (wamlet_link_output(&device.link))
        any = true;
    return any;
}

/* A new session: whatever the host knew is forgotten, so what it loaded is of no use. */
static void open_session(void)
{
    wamlet_unload_all(&device);
    device.refused_input = false;
    device.deploy_failed = false;
    device.log_level = WAMLET_LOG_WARNING;
}

/* Answers fill the transmit buffer. Only what waits behind the next message can make room. */
static enum wamlet_step wait_for_room(void)
{
    if (wamlet_link_look_ahead(&device.link)) {
        device.results.module = NULL;
        wamlet_transmit_reset(&device.link.transmit, 0);
        return WAMLET_STEP_BUSY;
    }
    if (wamlet_link_has_room(&device.link, WAMLET_MOST_PAYLOAD))
        return WAMLET_STEP_BUSY;
    return flush() ? WAMLET_STEP_BUSY : WAMLET_STEP_IDLE;
}

enum wamlet_step wamlet_agent_step(void)
{
    flush();
    if (!wamlet_link_has_room(&device.link, WAMLET_MOST_PAYLOAD))
        return wait_for_room();
    if (device.results.module != NULL) {
        wamlet_results_next(&device);
        return WAMLET_STEP_BUSY;
    }
    enum wamlet_event event = wamlet_link_next(&device.link);
    /* What was consumed is acknowledged before a long inference, so that the next frame comes during it. */
    flush();
    if (event == WAMLET_OPENED)
        open_session();
    if (event == WAMLET_MESSAGE)
        handle(device.link.message, device.link.message_bytes);
    if (device.restart) {
        flush();
        wamlet_runtime_stop();
        return WAMLET_STEP_RESTART;
    }
    return event == WAMLET_NO_EVENT ? WAMLET_STEP_IDLE : WAMLET_STEP_BUSY;
}
