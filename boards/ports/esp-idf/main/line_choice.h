/*
 * Which of several lines the host is on: that on which bytes came last. Another one takes over only when the first has
 * been silent for a while, so that noise on an open pin does not divert answers. Nothing of ESP-IDF is here.
 */
#ifndef WAMLET_ESP_LINE_CHOICE_H
#define WAMLET_ESP_LINE_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

/* A host that waits for something asks again every 4 s at the latest (docs/PROTOCOL.md); microseconds. */
#define WAMLET_LINE_SILENCE 5000000u

/* Before anything was heard: the agent then speaks on all lines. */
#define WAMLET_EVERY_LINE (-1)

struct wamlet_line_choice {
    int line;
    /* When bytes came on it last, microseconds. */
    uint64_t heard;
};

#define WAMLET_LINE_CHOICE_START {WAMLET_EVERY_LINE, 0}

/* Bytes have come on this line. Returns whether they count. */
bool wamlet_line_heard(struct wamlet_line_choice *choice, int line, uint64_t now);

/* Whether what is sent goes to this line. */
bool wamlet_line_speaks(const struct wamlet_line_choice *choice, int line);

#endif
