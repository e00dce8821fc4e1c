// The system calls that Swift's Glibc module does not show (they need _GNU_SOURCE).
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Fills `mask` (one bit per CPU, lowest first) with the affinity of the calling thread.
/// Returns the bytes that the kernel wrote, or -errno; -EINVAL means that `bytes` is too small.
long cnvml_os_affinity(unsigned char *mask, size_t bytes);

/// 1 when the program gained privileges at exec (set-user-ID, capabilities), else 0.
int cnvml_os_is_secure(void);

/// Has the kernel end this process when the one that started it ends. 0, or -errno.
int cnvml_os_die_with_parent(void);

#ifdef __cplusplus
}
#endif
