/* WAMR's platform: everything comes out of the agent's pool, and nothing is printed. */
#include "platform_api_extension.h"
#include "platform_api_vmcore.h"

#include "machine.h"
#include "pool.h"

int bh_platform_init(void)
{
    return 0;
}

void bh_platform_destroy(void) {}

/* WAMR is given the pool as its allocator; what would come from a heap does not come. */
void *os_malloc(unsigned size)
{
    (void)size;
    return NULL;
}

void *os_realloc(void *block, unsigned size)
{
    (void)block;
    (void)size;
    return NULL;
}

void os_free(void *block)
{
    (void)block;
}

int os_dumps_proc_mem_info(char *out, unsigned int size)
{
    (void)out;
    (void)size;
    return -1;
}

/* The line belongs to the protocol. */
int os_printf(const char *format, ...)
{
    (void)format;
    return 0;
}

int os_vprintf(const char *format, va_list arguments)
{
    (void)format;
    (void)arguments;
    return 0;
}

uint64 os_time_get_boot_us(void)
{
    return 0;
}

uint64 os_time_thread_cputime_us(void)
{
    return 0;
}

korp_tid os_self_thread(void)
{
    return 1;
}

uint8 *os_thread_get_stack_boundary(void)
{
    return machine_stack_bottom;
}

void os_thread_jit_write_protect_np(bool enabled)
{
    (void)enabled;
}

int os_mutex_init(korp_mutex *mutex)
{
    (void)mutex;
    return 0;
}

int os_mutex_destroy(korp_mutex *mutex)
{
    (void)mutex;
    return 0;
}

int os_mutex_lock(korp_mutex *mutex)
{
    (void)mutex;
    return 0;
}

int os_mutex_unlock(korp_mutex *mutex)
{
    (void)mutex;
    return 0;
}

/* Linear memory. */
void *os_mmap(void *hint, size_t size, int protection, int flags, os_file_handle file)
{
    void *memory = wamlet_pool_allocate(size);
    (void)hint;
    (void)protection;
    (void)flags;
    (void)file;
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void os_munmap(void *memory, size_t size)
{
    (void)size;
    wamlet_pool_free(memory);
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

/* Named by a part of WAMR's C interface that is not linked. */
void wasm_trap_delete(void *trap)
{
    (void)trap;
}
