/* The latest refusal. There is one loop, so there is one. */
#include "refusal.h"

#include <string.h>

struct wamlet_refusal wamlet_refusal;

bool wamlet_refuse(enum wamlet_error code, const char *text)
{
    wamlet_refusal.code = code;
    wamlet_refusal.number_count = 0;
    wamlet_refusal.text[0] = 0;
    wamlet_refusal_append(text, (unsigned)strlen(text));
    return false;
}

bool wamlet_refuse_number(enum wamlet_error code, uint64_t number, const char *text)
{
    wamlet_refuse(code, text);
    wamlet_refusal.numbers[0] = number;
    wamlet_refusal.number_count = 1;
    return false;
}

bool wamlet_refuse_numbers(enum wamlet_error code, uint64_t first, uint64_t second, const char *text)
{
    wamlet_refuse_number(code, first, text);
    wamlet_refusal.numbers[1] = second;
    wamlet_refusal.number_count = 2;
    return false;
}

void wamlet_refusal_append(const char *text, unsigned length)
{
    unsigned used = (unsigned)strlen(wamlet_refusal.text);
    unsigned room = WAMLET_ERROR_TEXT_BYTES - used;
    if (length > room) {
        length = room;
        /* Not in the middle of a character. */
        while (length > 0 && ((uint8_t)text[length] & 0xc0u) == 0x80u)
            length--;
    }
    memcpy(wamlet_refusal.text + used, text, length);
    wamlet_refusal.text[used + length] = 0;
}
