/* Two power sensors' registers. */
#include "power_sensor.h"

#include <stddef.h>

#define MANUFACTURER_TEXAS_INSTRUMENTS 0x5449u
#define DIE_INA226 0x2260u
#define DIE_MASK 0xfff0u

/* As switched on: 32 V, shunt to 320 mV, 12 bits in 532 us each, continuous. */
#define INA219_CONFIGURATION 0x399fu
/* Bits that stay as they are for every setting: 15 (reset) and 14 read as zero. */
#define INA226_SWITCHED_ON 0x4127u
/* No averaging, 588 us each, continuous. */
#define INA226_CONFIGURATION 0x40dfu

struct scale {
    const char *name;
    uint16_t configuration;
    /* Of the shunt register, nanovolts; from `most` on, of either sign, it is at its end. */
    uint32_t shunt_nanovolts;
    int32_t most;
    /* Of the bus register, microvolts, after a shift to the right. */
    uint32_t bus_microvolts;
    unsigned bus_shift;
};

static const struct scale scales[] = {
    [WAMLET_NO_SENSOR] = {"", 0, 0, 0, 0, 0},
    [WAMLET_INA219] = {"INA219", INA219_CONFIGURATION, 10000, 32000, 4000, 3},
    [WAMLET_INA226] = {"INA226", INA226_CONFIGURATION, 2500, 32767, 1250, 0},
};

const char *wamlet_sensor_name(enum wamlet_power_sensor sensor)
{
    return scales[sensor].name;
}

enum wamlet_power_sensor wamlet_sensor_identify(uint16_t configuration, uint16_t manufacturer, uint16_t die)
{
    if (manufacturer == MANUFACTURER_TEXAS_INSTRUMENTS && (die & DIE_MASK) == DIE_INA226
        && (configuration == INA226_SWITCHED_ON || configuration == INA226_CONFIGURATION))
        return WAMLET_INA226;
    /* An INA219 has no register that names it; nothing else known at its addresses is switched on with this value. */
    return configuration == INA219_CONFIGURATION ? WAMLET_INA219 : WAMLET_NO_SENSOR;
}

uint16_t wamlet_sensor_configuration(enum wamlet_power_sensor sensor)
{
    return scales[sensor].configuration;
}

bool wamlet_sensor_power(enum wamlet_power_sensor sensor, uint16_t shunt, uint16_t bus, uint32_t shunt_milliohms,
                         uint64_t *nanowatts)
{
    const struct scale *scale = &scales[sensor];
    /* Two's complement, without a conversion that the language leaves open. */
    int32_t steps = shunt < 0x8000u ? (int32_t)shunt : (int32_t)shunt - 0x10000;
    *nanowatts = 0;
    if (sensor == WAMLET_NO_SENSOR || shunt_milliohms == 0 || steps >= scale->most || steps <= -scale->most)
        return false;
    if (steps < 0)
        return true;
    uint64_t nanovolts = (uint64_t)steps * scale->shunt_nanovolts;
    uint64_t microvolts = (uint64_t)(bus >> scale->bus_shift) * scale->bus_microvolts;
    /* nV * mV / mOhm = nV * V / Ohm = nW; the product stays below 2^54. */
    *nanowatts = nanovolts * microvolts / ((uint64_t)shunt_milliohms * 1000u);
    return true;
}
