/* The device's state machine; every rule stands in docs/PROTOCOL.md. */
#include "link.h"

#include <string.h>

#define SYN_BYTES 8u
#define READY_BYTES 13u

static uint32_t read32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void write32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static void greet(struct wamlet_link *link, uint8_t session, uint8_t version, uint32_t nonce)
{
    link->ready_waits = true;
    link->ready_session = session;
    link->ready_version = version;
    link->ready_nonce = nonce;
}

void wamlet_link_start(struct wamlet_link *link, const struct wamlet_link_options *options)
{
    memset(link, 0, sizeof *link);
    wamlet_receive_start(&link->receive, options->receive_buffer, options->receive_bytes);
    link->write = options->write;
    link->context = options->context;
    link->boot_id = options->boot_id;
    link->most_payload = options->most_payload;
    link->window = options->receive_bytes - WAMLET_CONTROL_RESERVE;
    if (link->window > 0xffff)
        link->window = 0xffff;
    link->drained = true;
    greet(link, 0, 0, 0);
}

/* Starts a session's numbers anew. */
static void reset(struct wamlet_link *link, uint32_t peer_window)
{
    wamlet_transmit_reset(&link->transmit, peer_window);
    link->expected = 0;
    link->owed = 0;
    link->ack_at_once = false;
    link->gap_reported = false;
    link->ready_waits = false;
    link->resend_waits = false;
    link->poll_waits = false;
    link->log_count = 0;
}

static bool is_repeated(const struct wamlet_link *link, uint8_t session, uint32_t nonce)
{
    return link->open && link->session == session && link->nonce == nonce;
}

/* Whether a SYN asks for a version that this agent speaks, in a session that can be. */
static bool is_acceptable(const struct wamlet_header *header, const uint8_t *payload)
{
    return header->session != 0 && payload[0] <= WAMLET_PROTOCOL_VERSION && payload[1] >= WAMLET_PROTOCOL_VERSION;
}

/* Returns whether a session was opened. */
static bool take_syn(struct wamlet_link *link, const struct wamlet_header *header, const uint8_t *payload,
                     size_t length)
{
    uint32_t peer = wamlet_payload_within(header->window);
    if (length < SYN_BYTES)
        return false;
    uint32_t most = (uint32_t)payload[2] | (uint32_t)payload[3] << 8;
    uint32_t nonce = read32(payload + 4);
    if (!is_acceptable(header, payload)) {
        greet(link, header->session, 0, nonce);
        return false;
    }
    bool repeated = is_repeated(link, header->session, nonce);
    if (!repeated) {
        reset(link, header->window);
        link->open = true;
        link->session = header->session;
        link->nonce = nonce;
        link->peer_payload = most < peer ? most : peer;
    }
    greet(link, header->session, WAMLET_PROTOCOL_VERSION, nonce);
    return !repeated;
}

/* Takes a greeting, or a frame of no session that is open. Returns whether a session was opened. */
static bool take_stranger(struct wamlet_link *link, const struct wamlet_header *header, const uint8_t *payload,
                          size_t length)
{
    if (header->kind == WAMLET_SYN)
        return take_syn(link, header, payload, length);
    /* An answer to SYN that still waits must not be displaced. */
    if (!link->ready_waits)
        greet(link, link->session, 0, 0);
    return false;
}

static void report_gap(struct wamlet_link *link)
{
    if (!link->gap_reported)
        link->resend_waits = true;
    link->gap_reported = true;
}

/* Takes what every frame of the session brings, and a request to send again. */
static void take_acknowledgement(struct wamlet_link *link, const struct wamlet_header *header)
{
    link->transmit.window = header->window;
    /* The host asks again only after silence, so each of its requests is a new one. */
    if (header->kind == WAMLET_RESEND)
        link->transmit.obeyed = false;
    wamlet_transmit_acknowledge(&link->transmit, header->ack);
    if (header->kind == WAMLET_RESEND)
        wamlet_transmit_resend(&link->transmit);
}

/* Takes a frame of the session. Returns whether it was the message that was due. */
static bool take_frame(struct wamlet_link *link, const struct wamlet_header *header, const uint8_t *payload,
                       size_t length)
{
    uint8_t ahead = (uint8_t)(header->sequence - link->expected);
    take_acknowledgement(link, header);
    if (ahead > 0 && ahead < 128)
        report_gap(link);
    if (header->kind == WAMLET_POLL) {
        link->poll_waits = true;
        link->poll_token_bytes = length > 0 ? 1 : 0;
        link->poll_token[0] = length > 0 ? payload[0] : 0;
    }
    if (header->kind != WAMLET_DATA || (ahead > 0 && ahead < 128))
        return false;
    link->owed += wamlet_frame_cost((uint32_t)length);
    if (ahead > 0) {
        link->ack_at_once = true;
        return false;
    }
    link->expected++;
    link->gap_reported = false;
    link->message = payload;
    link->message_bytes = length;
    return true;
}

enum wamlet_event wamlet_link_next(struct wamlet_link *link)
{
    for (;;) {
        struct wamlet_header header;
        size_t length;
        size_t capacity = WAMLET_HEADER_BYTES + (size_t)link->most_payload;
        enum wamlet_arrival arrival = wamlet_receive_next(&link->receive, link->frame, capacity, &header, &length);
        const uint8_t *payload = link->frame + WAMLET_HEADER_BYTES;
        link->drained = arrival == WAMLET_NOTHING;
        if (arrival == WAMLET_NOTHING)
            return WAMLET_NO_EVENT;
        if (arrival == WAMLET_DAMAGED || header.kind == WAMLET_READY || header.kind == WAMLET_LOG)
            continue;
        length -= WAMLET_HEADER_BYTES;
        if (header.kind == WAMLET_SYN || !link->open || header.session != link->session) {
            if (take_stranger(link, &header, payload, length))
                return WAMLET_OPENED;
        } else if (take_frame(link, &header, payload, length)) {
            return WAMLET_MESSAGE;
        }
    }
}

bool wamlet_link_look_ahead(struct wamlet_link *link)
{
    struct wamlet_glance glance;
    const struct wamlet_header *header = &glance.header;
    while (wamlet_receive_glance(&link->receive, &glance)) {
        /* Number of the next DATA that is not there yet. */
        uint8_t next = glance.start == 0 ? link->expected : link->ahead_next;
        bool ours = glance.whole && link->open && header->session == link->session;
        if (glance.whole && header->kind == WAMLET_SYN && glance.payload_length >= SYN_BYTES
            && is_acceptable(header, glance.payload)
            && !is_repeated(link, header->session, read32(glance.payload + 4))) {
            /* Nobody waits any more for what came before. */
            wamlet_receive_drop(&link->receive, glance.start);
            return true;
        }
        if (ours && header->kind == WAMLET_POLL) {
            /*
             * The host misses something, and only the answer to its question can tell it what. That answer says that
             * what came before is consumed or lost: so it is lost, and the host will send it again.
             */
            wamlet_receive_drop(&link->receive, glance.start + glance.bytes);
            take_frame(link, header, glance.payload, glance.payload_length);
        } else if (ours && header->kind == WAMLET_DATA && (uint8_t)(header->sequence - next) < 128) {
            take_acknowledgement(link, header);
            link->ahead_next = (uint8_t)(header->sequence + 1);
            wamlet_receive_keep(&link->receive, &glance);
        } else {
            /*
             * Out of the buffer with everything else: acknowledgements come in numbers while a long answer goes out,
             * and what a line has damaged or doubled is beyond the host's window. DATA that stays is within it, so
             * there is always room for the frame that ends the waiting.
             */
            wamlet_receive_remove(&link->receive, &glance);
            if (!glance.whole || header->kind == WAMLET_READY || header->kind == WAMLET_LOG)
                continue;
            if (!ours || header->kind == WAMLET_SYN) {
                take_stranger(link, header, glance.payload, glance.payload_length);
                continue;
            }
            take_acknowledgement(link, header);
            if (header->kind == WAMLET_DATA) {
                link->owed += wamlet_frame_cost(glance.payload_length);
                link->ack_at_once = true;
            }
        }
    }
    return false;
}

bool wamlet_link_has_room(const struct wamlet_link *link, uint32_t length)
{
    return wamlet_transmit_has_room(&link->transmit, length);
}

bool wamlet_link_send(struct wamlet_link *link, const uint8_t *payload, uint32_t length)
{
    if (!link->open || length > link->peer_payload || !wamlet_link_has_room(link, length))
        return false;
    wamlet_transmit_queue(&link->transmit, payload, length);
    return true;
}

void wamlet_link_log(struct wamlet_link *link, uint8_t level, const char *text)
{
    uint32_t bytes = 0;
    if (link->log_count == WAMLET_MOST_LOGS)
        return;
    uint8_t *line = link->logs[link->log_count];
    line[0] = level;
    while (text[bytes] != 0 && bytes + 1 < WAMLET_LOG_BYTES) {
        line[1 + bytes] = (uint8_t)text[bytes];
        bytes++;
    }
    link->log_bytes[link->log_count] = (uint8_t)(1 + bytes);
    link->log_session[link->log_count] = link->session;
    link->log_count++;
}

static void put_frame(struct wamlet_link *link, uint8_t kind, uint8_t session, bool delimiter_first,
                      const struct wamlet_outgoing *content)
{
    struct wamlet_frame_writer writer = {.write = link->write, .context = link->context};
    const struct wamlet_header header = {kind, session, content->sequence, link->expected, (uint16_t)link->window};
    /* The host takes no acknowledgement from greetings and log lines. */
    if (kind != WAMLET_READY && kind != WAMLET_LOG) {
        link->owed = 0;
        link->ack_at_once = false;
    }
    wamlet_frame_begin(&writer, &header, delimiter_first);
    wamlet_frame_payload(&writer, content->first, content->first_bytes);
    wamlet_frame_payload(&writer, content->second, content->second_bytes);
    wamlet_frame_end(&writer);
}

/* A frame outside the numbering. */
static void put_control(struct wamlet_link *link, uint8_t kind, uint8_t session, const uint8_t *payload,
                        uint32_t length, bool delimiter_first)
{
    const struct wamlet_outgoing content = {
        .first = payload,
        .first_bytes = length,
        .sequence = wamlet_transmit_sequence(&link->transmit),
    };
    put_frame(link, kind, session, delimiter_first, &content);
}

static void put_ready(struct wamlet_link *link)
{
    uint8_t ready[READY_BYTES] = {link->ready_version, WAMLET_PROTOCOL_VERSION, WAMLET_PROTOCOL_VERSION,
                                  (uint8_t)link->most_payload, (uint8_t)(link->most_payload >> 8)};
    write32(ready + 5, link->boot_id);
    write32(ready + 9, link->ready_nonce);
    link->ready_waits = false;
    put_control(link, WAMLET_READY, link->ready_session, ready, sizeof ready, true);
}

static void put_log(struct wamlet_link *link)
{
    put_control(link, WAMLET_LOG, link->log_session[0], link->logs[0], link->log_bytes[0], true);
    link->log_count--;
    memmove(link->logs[0], link->logs[1], link->log_count * sizeof link->logs[0]);
    memmove(link->log_bytes, link->log_bytes + 1, link->log_count);
    memmove(link->log_session, link->log_session + 1, link->log_count);
}

bool wamlet_link_output(struct wamlet_link *link)
{
    struct wamlet_outgoing data;
    if (link->ready_waits) {
        put_ready(link);
    } else if (link->resend_waits) {
        link->resend_waits = false;
        put_control(link, WAMLET_RESEND, link->session, NULL, 0, true);
    } else if (link->poll_waits) {
        link->poll_waits = false;
        put_control(link, WAMLET_ACK, link->session, link->poll_token, link->poll_token_bytes, true);
    } else if (link->log_count > 0) {
        put_log(link);
    } else if (!link->open) {
        return false;
    } else if (wamlet_transmit_next(&link->transmit, &data)) {
        put_frame(link, WAMLET_DATA, link->session, data.resent, &data);
    } else if (link->owed > 0 && (link->ack_at_once || link->drained || link->owed >= link->window / 4)) {
        put_control(link, WAMLET_ACK, link->session, NULL, 0, false);
    } else {
        return false;
    }
    return true;
}
