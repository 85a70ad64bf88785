/* Integrates power over time without losing what is less than a nanojoule. */
#include "energy_meter.h"

#define FEMTOJOULES_PER_NANOJOULE 1000000u

/* Energy after the latest sample; 64-bit products stay below 2^64 for any power below 10^13 nW, that is 10 kW. */
static uint64_t since_sample(const struct wamlet_energy_meter *meter, uint64_t now, uint32_t *femtojoules)
{
    uint64_t microseconds = now > meter->taken ? now - meter->taken : 0;
    if (microseconds > WAMLET_SAMPLE_LIFE)
        microseconds = WAMLET_SAMPLE_LIFE;
    uint64_t small = meter->nanowatts % FEMTOJOULES_PER_NANOJOULE * microseconds + meter->femtojoules;
    *femtojoules = (uint32_t)(small % FEMTOJOULES_PER_NANOJOULE);
    return meter->nanowatts / FEMTOJOULES_PER_NANOJOULE * microseconds + small / FEMTOJOULES_PER_NANOJOULE;
}

static bool is_late(const struct wamlet_energy_meter *meter, uint64_t now)
{
    return now > meter->taken && now - meter->taken > WAMLET_SAMPLE_LIFE;
}

void wamlet_energy_begin(struct wamlet_energy_meter *meter, uint64_t now, bool known, uint64_t nanowatts)
{
    meter->taken = now;
    meter->nanowatts = known ? nanowatts : 0;
    meter->valid = known;
}

void wamlet_energy_sample(struct wamlet_energy_meter *meter, uint64_t now, bool known, uint64_t nanowatts)
{
    meter->valid = meter->valid && known && !is_late(meter, now);
    meter->nanojoules += since_sample(meter, now, &meter->femtojoules);
    /* Two tasks may have read the clock in the other order. */
    if (now > meter->taken)
        meter->taken = now;
    if (known)
        meter->nanowatts = nanowatts;
}

bool wamlet_energy_read(const struct wamlet_energy_meter *meter, uint64_t now, uint64_t *nanojoules)
{
    uint32_t femtojoules;
    *nanojoules = meter->nanojoules + since_sample(meter, now, &femtojoules);
    return meter->valid && !is_late(meter, now);
}
