/*
 * Energy out of samples of power: each counts until the next one comes. Between two samples the account goes on with
 * the last one, so it never goes back. Nothing of ESP-IDF is here.
 */
#ifndef WAMLET_ESP_ENERGY_METER_H
#define WAMLET_ESP_ENERGY_METER_H

#include <stdbool.h>
#include <stdint.h>

/* A sample that is older than this says nothing any more, microseconds. */
#define WAMLET_SAMPLE_LIFE 1000000u

struct wamlet_energy_meter {
    uint64_t nanojoules;
    /* Less than a nanojoule, in femtojoules. */
    uint32_t femtojoules;
    uint64_t nanowatts;
    /* When the latest sample was taken, microseconds. */
    uint64_t taken;
    /* Whether every sample since the beginning was one. */
    bool valid;
};

/* Begins with a first sample; `known` says whether it is one. What was counted before stays. */
void wamlet_energy_begin(struct wamlet_energy_meter *meter, uint64_t now, bool known, uint64_t nanowatts);

/* The next sample. One that is not known, or that comes too late, makes all until the next beginning unknown. */
void wamlet_energy_sample(struct wamlet_energy_meter *meter, uint64_t now, bool known, uint64_t nanowatts);

/* Energy so far. Returns false where a sample since the beginning was missing. */
bool wamlet_energy_read(const struct wamlet_energy_meter *meter, uint64_t now, uint64_t *nanojoules);

#endif
