/* A "no" with its figures: what becomes an ERROR message (docs/PROTOCOL.md, "Error codes"). */
#ifndef WAMLET_REFUSAL_H
#define WAMLET_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

enum wamlet_error {
    WAMLET_UNKNOWN_MESSAGE = 1,
    WAMLET_MALFORMED = 2,
    WAMLET_INVALID_MANIFEST = 16,
    WAMLET_UNSUPPORTED_KIND = 17,
    WAMLET_UNSUPPORTED_ABI = 18,
    WAMLET_UNSUPPORTED_FEATURE = 19,
    WAMLET_TOO_LARGE_FOR_SLOT = 20,
    WAMLET_NOT_ENOUGH_MEMORY = 21,
    WAMLET_BLOCK_TOO_LARGE = 22,
    WAMLET_STORE_FULL = 23,
    WAMLET_NO_DEPLOY = 24,
    WAMLET_WRONG_OFFSET = 25,
    WAMLET_HASH_MISMATCH = 26,
    WAMLET_FLASH_FAILED = 27,
    WAMLET_UNKNOWN_MODULE = 32,
    WAMLET_NO_ACTIVE_MODULE = 33,
    WAMLET_MODULE_LOADED = 35,
    WAMLET_STORE_CORRUPT = 36,
    WAMLET_LOAD_FAILED = 48,
    WAMLET_UNKNOWN_HANDLE = 49,
    WAMLET_WRONG_TENSOR = 50,
    WAMLET_WRONG_LENGTH = 51,
    WAMLET_NO_LAYERS = 52,
    WAMLET_NO_STATE = 53,
    WAMLET_TRAPPED = 54,
    WAMLET_OUT_OF_BOUNDS = 55,
    WAMLET_OUT_OF_TIME = 56,
    WAMLET_INFERENCE_FAILED = 57
};

#define WAMLET_ERROR_TEXT_BYTES 96

struct wamlet_refusal {
    enum wamlet_error code;
    unsigned number_count;
    uint64_t numbers[3];
    /* For people; empty where the code and its figures say all. */
    char text[WAMLET_ERROR_TEXT_BYTES + 1];
};

/* The latest refusal: whoever is answered false finds out here why. */
extern struct wamlet_refusal wamlet_refusal;

/* Each sets the latest refusal and returns false, so that a function can end with it. */
bool wamlet_refuse(enum wamlet_error code, const char *text);
bool wamlet_refuse_number(enum wamlet_error code, uint64_t number, const char *text);
bool wamlet_refuse_numbers(enum wamlet_error code, uint64_t first, uint64_t second, const char *text);

/* Appends to the latest refusal's text, cut to what fits. */
void wamlet_refusal_append(const char *text, unsigned length);

#endif
