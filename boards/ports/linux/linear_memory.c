/*
 * WAMR asks the platform for linear memory by os_mmap. On a microcontroller that comes out of the pool, and so it does
 * here: the account in INFO is then the whole account, and what does not fit does not fit. These definitions stand in
 * place of those in WAMR's posix_memmap.c, all of them, so that the linker never takes that file.
 */
#include <stdint.h>
#include <string.h>

#include "pool.h"

void *os_mmap(void *hint, size_t size, int protection, int flags, int file)
{
    (void)hint;
    (void)protection;
    (void)flags;
    (void)file;
    void *memory = size <= UINT32_MAX ? wamlet_pool_allocate((unsigned)size) : NULL;
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void os_munmap(void *memory, size_t size)
{
    (void)size;
    wamlet_pool_free(memory);
}

void *os_mremap(void *memory, size_t old_size, size_t new_size)
{
    (void)old_size;
    return new_size <= UINT32_MAX ? wamlet_pool_reallocate(memory, (unsigned)new_size) : NULL;
}

int os_mprotect(void *memory, size_t size, int protection)
{
    (void)memory;
    (void)size;
    (void)protection;
    return 0;
}

void os_dcache_flush(void) {}

void os_icache_flush(void *start, size_t length)
{
    (void)start;
    (void)length;
}
