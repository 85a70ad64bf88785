/* The line of a Linux board: a TCP port, a socket in the file system or a pseudo-terminal, one client at a time. */
#ifndef WAMLET_LINUX_LINE_H
#define WAMLET_LINUX_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Opens `tcp:PORT`, `tcp:HOST:PORT`, `unix:PATH` or `pty` and writes what a client names as its port to `url`. Returns
 * false, with the reason on standard error, where that cannot be.
 */
bool line_open(const char *listen, char *url, size_t url_bytes);

/*
 * Waits until bytes come, at most this many milliseconds (-1 for ever), and reads at most `most` of them. Returns how
 * many came, or -1 once standard input has ended, which is how whoever started the board ends it.
 */
int line_read(uint8_t *bytes, size_t most, int milliseconds);

/* Writes to the client. Without one, the bytes are lost as on an open wire. */
void line_write(const uint8_t *bytes, size_t length);

#endif
