/*
 * The one piece of RAM that WAMR and modules live in. WAMR's own pool cannot say how large its largest free block is,
 * and that figure decides whether a module's linear memory fits; so WAMR is given this one (`Alloc_With_Allocator`).
 * First fit over blocks in the order of their addresses; neighbours that are free become one at once.
 */
#ifndef WAMLET_POOL_H
#define WAMLET_POOL_H

#include <stdbool.h>
#include <stdint.h>

/* `bytes` at 8-aligned `memory` become the pool; what it held is forgotten. */
void wamlet_pool_start(uint8_t *memory, uint32_t bytes);

/* 8-aligned. NULL where no free block is large enough, which wamlet_pool_failed then tells. */
void *wamlet_pool_allocate(unsigned bytes);
void *wamlet_pool_reallocate(void *block, unsigned bytes);
void wamlet_pool_free(void *block);

uint32_t wamlet_pool_total(void);
/* Allocated now, and at most since the start, each block with its header. */
uint32_t wamlet_pool_used(void);
uint32_t wamlet_pool_high_water(void);
/* Bytes of the largest block that can be allocated now. */
uint32_t wamlet_pool_largest(void);

/* Bytes of the latest allocation that failed since this was last asked, or 0. */
uint32_t wamlet_pool_failed(void);

/* For tests: whether every header is what its neighbours say. */
bool wamlet_pool_is_sound(void);

#endif
