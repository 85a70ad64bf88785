/*
 * INA219 and INA226: what their registers mean. Power is computed from the two voltages themselves (shunt and bus), so
 * no calibration register has to be set and nothing is lost to its rounding. Nothing of ESP-IDF is here.
 * Registers as in Texas Instruments' datasheets SBOS448 (INA219) and SBOS547 (INA226).
 */
#ifndef WAMLET_ESP_POWER_SENSOR_H
#define WAMLET_ESP_POWER_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

enum wamlet_power_sensor {
    WAMLET_NO_SENSOR,
    WAMLET_INA219,
    WAMLET_INA226
};

/* Registers, each of 16 bits, the high byte first on the bus. */
#define WAMLET_REGISTER_CONFIGURATION 0x00u
#define WAMLET_REGISTER_SHUNT 0x01u
#define WAMLET_REGISTER_BUS 0x02u
/* INA226 only. */
#define WAMLET_REGISTER_MANUFACTURER 0xfeu
#define WAMLET_REGISTER_DIE 0xffu

/* `INA226`, or an empty text. */
const char *wamlet_sensor_name(enum wamlet_power_sensor sensor);

/* Which sensor these registers belong to: one just switched on, or one that this firmware configured before. */
enum wamlet_power_sensor wamlet_sensor_identify(uint16_t configuration, uint16_t manufacturer, uint16_t die);

/* Configuration for continuous measurement of both voltages, a pair in less than 1.2 ms. */
uint16_t wamlet_sensor_configuration(enum wamlet_power_sensor sensor);

/*
 * Power from the two voltage registers. A current that flows backwards counts as none. Returns false where the shunt's
 * voltage is beyond what the sensor measures: then the power is not known. `shunt_milliohms` is at least 1.
 */
bool wamlet_sensor_power(enum wamlet_power_sensor sensor, uint16_t shunt, uint16_t bus, uint32_t shunt_milliohms,
                         uint64_t *nanowatts);

#endif
