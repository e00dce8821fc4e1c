#ifndef POOL_BENCHMARKS_CALLOCATIONS_H
#define POOL_BENCHMARKS_CALLOCATIONS_H

#include <stdint.h>

/// Calls of malloc, calloc, realloc, posix_memalign, aligned_alloc and memalign so far, by any
/// thread. A realloc counts as one. Unit: calls.
uint64_t allocations_made(void);

/// What the process holds of its heap now, mapped blocks included. Unit: bytes.
uint64_t heap_bytes(void);

#endif
