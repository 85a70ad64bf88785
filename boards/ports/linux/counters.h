/* What a Linux board counts. */
#ifndef WAMLET_LINUX_COUNTERS_H
#define WAMLET_LINUX_COUNTERS_H

#include "port.h"

/* Finds the best counter there is and says in `board` what it counts. */
void counters_open(struct wamlet_board *board);

#endif
