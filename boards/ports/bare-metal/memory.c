/*
 * memcpy and memset by words: weights come from flash by memory.init, and a C library's byte loops take ten times as
 * long (facts: picolibc on rv32, 6 instructions a byte). The compiler must not turn the loops into calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>

/* Words that overlay bytes of any type. */
typedef uint32_t __attribute__((may_alias)) word;

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memcpy(void *restrict to,
                                                                           const void *restrict from, size_t length)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    if ((((uintptr_t)target ^ (uintptr_t)source) & 3) == 0) {
        for (; length > 0 && ((uintptr_t)target & 3) != 0; length--)
            *target++ = *source++;
        for (; length >= 16; length -= 16, target += 16, source += 16) {
            word *words = (word *)(void *)target;
            const word *sources = (const word *)(const void *)source;
            word first = sources[0], second = sources[1], third = sources[2], fourth = sources[3];
            words[0] = first;
            words[1] = second;
            words[2] = third;
            words[3] = fourth;
        }
        for (; length >= 4; length -= 4, target += 4, source += 4)
            *(word *)(void *)target = *(const word *)(const void *)source;
    }
    for (; length > 0; length--)
        *target++ = *source++;
    return to;
}

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memset(void *to, int value, size_t length)
{
    uint8_t *target = to;
    uint32_t pattern = (uint8_t)value * 0x01010101u;
    for (; length > 0 && ((uintptr_t)target & 3) != 0; length--)
        *target++ = (uint8_t)value;
    for (; length >= 4; length -= 4, target += 4)
        *(word *)(void *)target = pattern;
    for (; length > 0; length--)
        *target++ = (uint8_t)value;
    return to;
}
