/*
 * WAMR's ESP-IDF platform takes linear memory from FreeRTOS's heap and asks pthreads who it is. Here linear memory comes
 * out of the agent's pool, as on every board, so that the account in INFO is the whole account; and the tasks are
 * FreeRTOS's, for which pthread_self() would end the program. The linker puts these functions in place of WAMR's
 * (`--wrap`, CMakeLists.txt).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "pool.h"

void *__wrap_os_mmap(void *hint, size_t size, int protection, int flags, int file);
void *__wrap_os_mremap(void *memory, size_t old_size, size_t new_size);
void __wrap_os_munmap(void *memory, size_t size);
uintptr_t __wrap_os_self_thread(void);

void *__wrap_os_mmap(void *hint, size_t size, int protection, int flags, int file)
{
    (void)hint;
    (void)protection;
    (void)flags;
    (void)file;
    void *memory = wamlet_pool_allocate((unsigned)size);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void *__wrap_os_mremap(void *memory, size_t old_size, size_t new_size)
{
    (void)old_size;
    return wamlet_pool_reallocate(memory, (unsigned)new_size);
}

void __wrap_os_munmap(void *memory, size_t size)
{
    (void)size;
    wamlet_pool_free(memory);
}

/* Any number that is one task's own. */
uintptr_t __wrap_os_self_thread(void)
{
    return (uintptr_t)xTaskGetCurrentTaskHandle();
}
