/* SHA-256 (FIPS 180-4): what a module's payload is known by. */
#ifndef WAMLET_SHA256_H
#define WAMLET_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define WAMLET_SHA256_BYTES 32

void wamlet_sha256(const uint8_t *bytes, size_t length, uint8_t digest[WAMLET_SHA256_BYTES]);

#endif
