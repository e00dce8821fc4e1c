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

/// 1 when the loader takes `library`, a name or a path, else 0. It is let go of again.
int cnvml_os_can_load(const char *library);

/// Has the kernel end this process when the one that started it ends. 0, or -errno.
int cnvml_os_die_with_parent(void);

/// Starts `program` with the NULL-ended `arguments`: nothing to read, nothing to say, and the
/// writing end of a pipe as descriptor 3; no other descriptor is open in it. The library that it
/// will load may print what it likes. Returns the process and, in `descriptor`, the reading end;
/// or -errno.
long cnvml_os_spawn(const char *program, char *const arguments[], int *descriptor);

#ifdef __cplusplus
}
#endif
