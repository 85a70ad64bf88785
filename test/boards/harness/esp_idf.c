/*
 * Runs the arithmetic of the ESP-IDF port by commands, one a line, each answered by one line
 * (test/boards/esp_idf_arithmetic.test.ts).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "energy_meter.h"
#include "line_choice.h"
#include "power_sensor.h"
#include "timing.h"

static struct wamlet_energy_meter meter;
static struct wamlet_line_choice choice = WAMLET_LINE_CHOICE_START;

static void answer(const char *command, const uint64_t *n, int line)
{
    uint64_t result;
    if (strcmp(command, "widen") == 0) {
        printf("%" PRIu64 "\n", wamlet_widen_cycles((uint32_t)n[0], n[1], (uint32_t)n[2]));
    } else if (strcmp(command, "patience") == 0) {
        printf("%" PRIu32 "\n", wamlet_patience(n[0], (uint32_t)n[1]));
    } else if (strcmp(command, "identify") == 0) {
        enum wamlet_power_sensor sensor = wamlet_sensor_identify((uint16_t)n[0], (uint16_t)n[1], (uint16_t)n[2]);
        printf("%d %s\n", (int)sensor, wamlet_sensor_name(sensor));
    } else if (strcmp(command, "configuration") == 0) {
        printf("%u\n", (unsigned)wamlet_sensor_configuration((enum wamlet_power_sensor)n[0]));
    } else if (strcmp(command, "power") == 0) {
        bool known = wamlet_sensor_power((enum wamlet_power_sensor)n[0], (uint16_t)n[1], (uint16_t)n[2], (uint32_t)n[3],
                                         &result);
        printf("%d %" PRIu64 "\n", known, result);
    } else if (strcmp(command, "begin") == 0) {
        wamlet_energy_begin(&meter, n[0], n[1] != 0, n[2]);
        printf("ok\n");
    } else if (strcmp(command, "sample") == 0) {
        wamlet_energy_sample(&meter, n[0], n[1] != 0, n[2]);
        printf("ok\n");
    } else if (strcmp(command, "read") == 0) {
        bool known = wamlet_energy_read(&meter, n[0], &result);
        printf("%d %" PRIu64 "\n", known, result);
    } else if (strcmp(command, "heard") == 0) {
        printf("%d\n", wamlet_line_heard(&choice, (int)n[0], n[1]));
    } else if (strcmp(command, "speaks") == 0) {
        printf("%d\n", wamlet_line_speaks(&choice, (int)n[0]));
    } else {
        fprintf(stderr, "line %d: no command \"%s\"\n", line, command);
    }
}

int main(void)
{
    char text[256], command[32];
    for (int line = 1; fgets(text, sizeof text, stdin) != NULL; line++) {
        uint64_t n[4] = {0};
        sscanf(text, "%31s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, command, &n[0], &n[1], &n[2], &n[3]);
        answer(command, n, line);
    }
    return 0;
}
