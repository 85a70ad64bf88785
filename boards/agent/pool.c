/* A first-fit allocator whose figures are exact. */
#include "pool.h"

#include <stddef.h>
#include <string.h>

/* In front of each block. Sizes are multiples of 8 and count the header. */
struct header {
    uint32_t bytes;
    /* Of the block before; 0 for the first one. The lowest bit says that this block is in use. */
    uint32_t before;
};

#define IN_USE 1u

static struct {
    uint8_t *memory;
    uint32_t bytes;
    uint32_t used;
    uint32_t high_water;
    uint32_t failed;
} pool;

static struct header *at(uint32_t offset)
{
    return (struct header *)(void *)(pool.memory + offset);
}

static uint32_t offset_of(const struct header *header)
{
    return (uint32_t)((const uint8_t *)header - pool.memory);
}

/* The block behind, or NULL behind the last one. */
static struct header *behind(const struct header *header)
{
    uint32_t offset = offset_of(header) + header->bytes;
    return offset < pool.bytes ? at(offset) : NULL;
}

static bool in_use(const struct header *header)
{
    return (header->before & IN_USE) != 0;
}

/* Sets a block's size and lets the one behind know it. */
static void resize(struct header *header, uint32_t bytes)
{
    header->bytes = bytes;
    struct header *next = behind(header);
    if (next != NULL)
        next->before = bytes | (next->before & IN_USE);
}

void wamlet_pool_start(uint8_t *memory, uint32_t bytes)
{
    memset(&pool, 0, sizeof pool);
    pool.memory = memory;
    pool.bytes = bytes & ~7u;
    at(0)->bytes = pool.bytes;
    at(0)->before = 0;
}

static uint32_t block_bytes(unsigned bytes)
{
    return ((bytes + 7u) & ~7u) + (uint32_t)sizeof(struct header);
}

/*
 * Cuts what is more than `bytes` off a block and gives it back, down to a bare header: what a module takes must not depend
 * on which holes WAMR's loader left, or the operand stack, which gets what is left of the account, comes out too small.
 */
static void trim(struct header *header, uint32_t bytes)
{
    uint32_t rest_bytes = header->bytes - bytes;
    if (rest_bytes == 0)
        return;
    resize(header, bytes);
    struct header *rest = behind(header);
    rest->before = bytes;
    resize(rest, rest_bytes);
    struct header *next = behind(rest);
    if (next != NULL && !in_use(next))
        resize(rest, rest->bytes + next->bytes);
}

void *wamlet_pool_allocate(unsigned bytes)
{
    /* More than the pool has would wrap around when it is rounded up. */
    uint32_t needed = bytes > pool.bytes ? UINT32_MAX : block_bytes(bytes);
    for (struct header *header = at(0); header != NULL; header = behind(header)) {
        if (in_use(header) || header->bytes < needed)
            continue;
        trim(header, needed);
        header->before |= IN_USE;
        pool.used += header->bytes;
        if (pool.high_water < pool.used)
            pool.high_water = pool.used;
        return header + 1;
    }
    pool.failed = bytes;
    return NULL;
}

void wamlet_pool_free(void *block)
{
    if (block == NULL)
        return;
    struct header *header = (struct header *)block - 1;
    header->before &= ~IN_USE;
    pool.used -= header->bytes;
    struct header *next = behind(header);
    if (next != NULL && !in_use(next))
        resize(header, header->bytes + next->bytes);
    if (header->before != 0) {
        struct header *previous = at(offset_of(header) - header->before);
        if (!in_use(previous))
            resize(previous, previous->bytes + header->bytes);
    }
}

void *wamlet_pool_reallocate(void *block, unsigned bytes)
{
    if (block == NULL)
        return wamlet_pool_allocate(bytes);
    struct header *header = (struct header *)block - 1;
    uint32_t kept = header->bytes - (uint32_t)sizeof *header;
    if (bytes <= kept)
        return block;
    void *moved = wamlet_pool_allocate(bytes);
    if (moved != NULL) {
        memcpy(moved, block, kept);
        wamlet_pool_free(block);
    }
    return moved;
}

uint32_t wamlet_pool_total(void)
{
    return pool.bytes;
}

uint32_t wamlet_pool_used(void)
{
    return pool.used;
}

uint32_t wamlet_pool_high_water(void)
{
    return pool.high_water;
}

uint32_t wamlet_pool_largest(void)
{
    uint32_t largest = sizeof(struct header);
    for (struct header *header = at(0); header != NULL; header = behind(header)) {
        if (!in_use(header) && header->bytes > largest)
            largest = header->bytes;
    }
    return largest - (uint32_t)sizeof(struct header);
}

uint32_t wamlet_pool_failed(void)
{
    uint32_t failed = pool.failed;
    pool.failed = 0;
    return failed;
}

bool wamlet_pool_is_sound(void)
{
    uint32_t used = 0, before = 0, offset = 0;
    bool before_free = false;
    while (offset < pool.bytes) {
        const struct header *header = at(offset);
        if (header->bytes < sizeof *header || header->bytes % 8 != 0 || header->bytes > pool.bytes - offset)
            return false;
        if ((header->before & ~IN_USE) != before || (before_free && !in_use(header)))
            return false;
        used += in_use(header) ? header->bytes : 0;
        before_free = !in_use(header);
        before = header->bytes;
        offset += header->bytes;
    }
    return offset == pool.bytes && used == pool.used;
}
