/* Messages of the host, decoded in place; numbers and tags of both directions (docs/PROTOCOL.md, "Messages"). */
#ifndef WAMLET_MESSAGE_H
#define WAMLET_MESSAGE_H

#include "tlv.h"

enum wamlet_message_type {
    /* Host to device. */
    WAMLET_HELLO = 0x01,
    WAMLET_DEPLOY_BEGIN = 0x02,
    WAMLET_DEPLOY_CHUNK = 0x03,
    WAMLET_DEPLOY_COMMIT = 0x04,
    WAMLET_LIST = 0x05,
    WAMLET_ACTIVATE = 0x06,
    WAMLET_REMOVE = 0x07,
    WAMLET_LOAD = 0x08,
    WAMLET_UNLOAD = 0x09,
    WAMLET_INPUT = 0x0a,
    WAMLET_COUNTERS = 0x0b,
    WAMLET_LOG_LEVEL = 0x0c,
    WAMLET_RESET = 0x0d,
    /* Device to host. */
    WAMLET_DONE = 0x40,
    WAMLET_INFO = 0x41,
    WAMLET_DEPLOY_READY = 0x42,
    WAMLET_DEPLOYED = 0x44,
    WAMLET_MODULES = 0x45,
    WAMLET_LOADED = 0x48,
    WAMLET_RESULT = 0x4a,
    WAMLET_TOTALS = 0x4b,
    WAMLET_ERROR = 0x7f
};

/* Tags of the host's messages. */
enum wamlet_request_tag {
    WAMLET_TAG_REQUEST = 1,
    /* Its meaning differs from message to message, as the table of docs/PROTOCOL.md says. */
    WAMLET_TAG_SUBJECT = 2,
    WAMLET_TAG_BEGIN_NAME = 3,
    WAMLET_TAG_CHUNK_DATA = 3,
    WAMLET_TAG_RESET_HANDLE = 3,
    WAMLET_TAG_FRAME = 3,
    WAMLET_TAG_TENSOR = 4,
    WAMLET_TAG_OFFSET = 5,
    WAMLET_TAG_MORE = 6,
    WAMLET_TAG_LAYERS = 7,
    WAMLET_TAG_DATA = 8
};

#define WAMLET_MOST_TAGS 9u

/* A message: for each tag the integer or the span that it holds, or its default. */
struct wamlet_request {
    uint8_t type;
    uint64_t integer[WAMLET_MOST_TAGS];
    struct wamlet_span span[WAMLET_MOST_TAGS];
};

enum wamlet_decoded {
    WAMLET_DECODED,
    /* `type` and, where it can be read, the request's number are set. */
    WAMLET_DECODED_UNKNOWN,
    WAMLET_DECODED_MALFORMED
};

enum wamlet_decoded wamlet_request_read(struct wamlet_request *request, const uint8_t *bytes, size_t length);

#endif
