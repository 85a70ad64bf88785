/* A payload's sections, and what of them the agent does not leave to WAMR. */
#ifndef WAMLET_PAYLOAD_H
#define WAMLET_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAMLET_MOST_SECTIONS 9u

struct wamlet_section {
    uint8_t id;
    const uint8_t *body;
    uint32_t bytes;
};

/*
 * Finds the sections, custom ones left out. WAMR's loader takes sections as they come, so their order, and that none
 * comes twice, is checked here; so is that nothing is imported but `wamlet.layer`, and that alone where `layers`.
 * Refuses with load-failed.
 */
bool wamlet_payload_sections(const uint8_t *payload, size_t length, bool layers,
                             struct wamlet_section sections[WAMLET_MOST_SECTIONS], unsigned *count);

#endif
