/*
 * Energy by an INA219 or INA226 in the board's supply, over I2C: a task reads it every 2 ms while a module runs, and
 * only then. What it reads is the mean of the last 1.1 ms, so an inference shorter than some milliseconds gets the power
 * of a moment before; docs/BOARDS.md says so.
 */
#include "sdkconfig.h"

#include "esp_port.h"

#if CONFIG_WAMLET_ENERGY
#include <stdio.h>

#include "driver/i2c_master.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "energy_meter.h"
#include "power_sensor.h"

#define BUS_HERTZ 400000u
/* Two milliseconds of FreeRTOS's clock are one for a sample at least. */
#define PERIOD_MILLISECONDS 2u
#define BUS_MILLISECONDS 10
#define STACK_BYTES 3072u
/* Above the agent's, which waits while a module runs. */
#define PRIORITY 6u

static enum wamlet_power_sensor sensor = WAMLET_NO_SENSOR;
static i2c_master_dev_handle_t device;
/* Two tasks read the sensor, the agent's and the sampler, and ESP-IDF's driver serves one at a time. */
static SemaphoreHandle_t bus_lock;
static TaskHandle_t sampler;
static volatile bool running;
static struct wamlet_energy_meter meter;
static portMUX_TYPE meter_lock = portMUX_INITIALIZER_UNLOCKED;

static bool read_register(uint8_t address, uint16_t *value)
{
    uint8_t bytes[2];
    if (i2c_master_transmit_receive(device, &address, 1, bytes, sizeof bytes, BUS_MILLISECONDS) != ESP_OK)
        return false;
    *value = (uint16_t)(bytes[0] << 8 | bytes[1]);
    return true;
}

static bool write_register(uint8_t address, uint16_t value)
{
    const uint8_t bytes[3] = {address, (uint8_t)(value >> 8), (uint8_t)value};
    return i2c_master_transmit(device, bytes, sizeof bytes, BUS_MILLISECONDS) == ESP_OK;
}

static bool sample(uint64_t *nanowatts)
{
    uint16_t shunt, bus;
    *nanowatts = 0;
    xSemaphoreTake(bus_lock, portMAX_DELAY);
    bool read = read_register(WAMLET_REGISTER_SHUNT, &shunt) && read_register(WAMLET_REGISTER_BUS, &bus);
    xSemaphoreGive(bus_lock);
    return read && wamlet_sensor_power(sensor, shunt, bus, CONFIG_WAMLET_ENERGY_SHUNT_MILLIOHMS, nanowatts);
}

static void work(void *unused)
{
    (void)unused;
    for (;;) {
        ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        while (running) {
            uint64_t nanowatts;
            vTaskDelay(pdMS_TO_TICKS(PERIOD_MILLISECONDS));
            bool known = sample(&nanowatts);
            uint64_t now = wamlet_port_microseconds();
            taskENTER_CRITICAL(&meter_lock);
            wamlet_energy_sample(&meter, now, known, nanowatts);
            taskEXIT_CRITICAL(&meter_lock);
        }
    }
}

static enum wamlet_power_sensor find_sensor(void)
{
    const i2c_master_bus_config_t bus_configuration = {
        .i2c_port = -1,
        .sda_io_num = CONFIG_WAMLET_ENERGY_SDA_PIN,
        .scl_io_num = CONFIG_WAMLET_ENERGY_SCL_PIN,
        .clk_source = I2C_CLK_SRC_DEFAULT,
        .glitch_ignore_cnt = 7,
        .flags.enable_internal_pullup = true,
    };
    const i2c_device_config_t device_configuration = {
        .dev_addr_length = I2C_ADDR_BIT_LEN_7,
        .device_address = CONFIG_WAMLET_ENERGY_ADDRESS,
        .scl_speed_hz = BUS_HERTZ,
    };
    i2c_master_bus_handle_t bus;
    if (i2c_new_master_bus(&bus_configuration, &bus) != ESP_OK)
        return WAMLET_NO_SENSOR;
    uint16_t configuration = 0, manufacturer = 0, die = 0;
    if (i2c_master_probe(bus, CONFIG_WAMLET_ENERGY_ADDRESS, BUS_MILLISECONDS) == ESP_OK
        && i2c_master_bus_add_device(bus, &device_configuration, &device) == ESP_OK) {
        /* An INA219 answers for registers that it does not have with something or not at all: both are no INA226. */
        enum wamlet_power_sensor found = WAMLET_NO_SENSOR;
        (void)read_register(WAMLET_REGISTER_MANUFACTURER, &manufacturer);
        (void)read_register(WAMLET_REGISTER_DIE, &die);
        if (read_register(WAMLET_REGISTER_CONFIGURATION, &configuration))
            found = wamlet_sensor_identify(configuration, manufacturer, die);
        if (found != WAMLET_NO_SENSOR
            && write_register(WAMLET_REGISTER_CONFIGURATION, wamlet_sensor_configuration(found)))
            return found;
        (void)i2c_master_bus_rm_device(device);
    }
    /* The pins are free for whatever else is there. */
    (void)i2c_del_master_bus(bus);
    return WAMLET_NO_SENSOR;
}

const char *energy_open(void)
{
    static char text[48];
    sensor = find_sensor();
    if (sensor == WAMLET_NO_SENSOR)
        return "";
    bus_lock = xSemaphoreCreateMutex();
    /* Core 0, as the agent: not where modules run, on a chip with two. */
    if (bus_lock == NULL
        || xTaskCreatePinnedToCore(work, "energy", STACK_BYTES, NULL, PRIORITY, &sampler, 0) != pdPASS)
        board_stop("no memory for the task that reads the power sensor");
    snprintf(text, sizeof text, "%s, shunt %u mOhm", wamlet_sensor_name(sensor),
             (unsigned)CONFIG_WAMLET_ENERGY_SHUNT_MILLIOHMS);
    return text;
}

void energy_begin(void)
{
    uint64_t nanowatts;
    if (sensor == WAMLET_NO_SENSOR)
        return;
    bool known = sample(&nanowatts);
    uint64_t now = wamlet_port_microseconds();
    taskENTER_CRITICAL(&meter_lock);
    wamlet_energy_begin(&meter, now, known, nanowatts);
    taskEXIT_CRITICAL(&meter_lock);
    running = true;
    xTaskNotifyGive(sampler);
}

void energy_end(void)
{
    running = false;
}

bool wamlet_port_energy(uint64_t *nanojoules)
{
    *nanojoules = 0;
    if (sensor == WAMLET_NO_SENSOR)
        return false;
    uint64_t now = wamlet_port_microseconds();
    taskENTER_CRITICAL(&meter_lock);
    bool known = wamlet_energy_read(&meter, now, nanojoules);
    taskEXIT_CRITICAL(&meter_lock);
    return known;
}

#else

const char *energy_open(void)
{
    return "";
}

void energy_begin(void) {}

void energy_end(void) {}

bool wamlet_port_energy(uint64_t *nanojoules)
{
    *nanojoules = 0;
    return false;
}

#endif
