/* What fake_esp_idf.c and fake_lines.c share. */
#ifndef FAKE_LINES_H
#define FAKE_LINES_H

#include <stdint.h>

/* Listener and client of the UART, then of USB; a client is -1 where there is none. */
#define FAKE_SOCKETS 4

uint64_t fake_nanoseconds(void);

/* Opens both, and says their URLs. */
void fake_lines_listen(void);

/* A restart keeps them. */
void fake_lines_adopt(const int sockets[FAKE_SOCKETS]);
void fake_lines_sockets(int sockets[FAKE_SOCKETS]);

#endif
