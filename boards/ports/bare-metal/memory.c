/*
 * memcpy, memmove and memset by words: weights come from flash by memory.init, and a C library's byte loops take ten
 * times as long (picolibc on rv32: 6 instructions a byte). The compiler must not turn the loops into calls of
 * themselves.
 */
#include <stddef.h>
#include <stdint.h>

#define PLAIN_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns")))

/* Words that overlay bytes of any type. */
typedef uint32_t __attribute__((may_alias)) word;

static int aligned_alike(const void *one, const void *other)
{
    return (((uintptr_t)one ^ (uintptr_t)other) & 3) == 0;
}

/* Also where the target overlaps the source from below: what is written was read. */
PLAIN_LOOPS static void copy_upwards(uint8_t *target, const uint8_t *source, size_t length)
{
    if (aligned_alike(target, source)) {
        for (; length > 0 && ((uintptr_t)target & 3) != 0; length--)
            *target++ = *source++;
        for (; length >= 32; length -= 32, target += 32, source += 32) {
            word *to = (word *)(void *)target;
            const word *from = (const word *)(const void *)source;
            word a = from[0], b = from[1], c = from[2], d = from[3];
            word e = from[4], f = from[5], g = from[6], h = from[7];
            to[0] = a, to[1] = b, to[2] = c, to[3] = d;
            to[4] = e, to[5] = f, to[6] = g, to[7] = h;
        }
        for (; length >= 4; length -= 4, target += 4, source += 4)
            *(word *)(void *)target = *(const word *)(const void *)source;
    }
    for (; length > 0; length--)
        *target++ = *source++;
}

/* Pointers behind the last byte. */
PLAIN_LOOPS static void copy_downwards(uint8_t *target, const uint8_t *source, size_t length)
{
    if (aligned_alike(target, source)) {
        for (; length > 0 && ((uintptr_t)target & 3) != 0; length--)
            *--target = *--source;
        for (; length >= 4; length -= 4) {
            target -= 4;
            source -= 4;
            *(word *)(void *)target = *(const word *)(const void *)source;
        }
    }
    for (; length > 0; length--)
        *--target = *--source;
}

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    copy_upwards(to, from, length);
    return to;
}

void *memmove(void *to, const void *from, size_t length)
{
    /* Only a target that begins inside the source must not be written from its beginning. */
    if ((uintptr_t)to - (uintptr_t)from >= length)
        copy_upwards(to, from, length);
    else
        copy_downwards((uint8_t *)to + length, (const uint8_t *)from + length, length);
    return to;
}

PLAIN_LOOPS void *memset(void *to, int value, size_t length)
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
