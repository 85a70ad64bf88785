/* What WAMR includes to know its platform: a machine without an operating system. */
#ifndef WAMLET_PLATFORM_INTERNAL_H
#define WAMLET_PLATFORM_INTERNAL_H

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One thread: what belongs to others is never used. */
typedef int korp_thread, korp_tid, korp_mutex, korp_cond, korp_sem;
typedef struct {
    int unused;
} korp_rwlock;
typedef int os_file_handle, os_raw_file_handle, os_poll_file_handle, os_timespec;
typedef void *os_dir_stream;
typedef unsigned int os_nfds_t;

#define BH_APPLET_PRESERVED_STACK_SIZE 2048
#define BH_THREAD_DEFAULT_PRIORITY 0
#define OS_THREAD_MUTEX_INITIALIZER 0

static inline os_file_handle os_get_invalid_handle(void)
{
    return -1;
}

/* WAMR rounds its bounds up to this, and linear memory is a multiple of 8 in any case: the two are equal. */
static inline int os_getpagesize(void)
{
    return 8;
}

#endif
