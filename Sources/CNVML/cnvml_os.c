#define _GNU_SOURCE
#include "cnvml_os.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

long cnvml_os_affinity(unsigned char *mask, size_t bytes) {
  memset(mask, 0, bytes);
  // The wrapper hides how much the kernel wrote; the call itself says it.
  long written = syscall(SYS_sched_getaffinity, 0, bytes, mask);
  return written < 0 ? -(long)errno : written;
}

int cnvml_os_is_secure(void) { return getauxval(AT_SECURE) != 0; }

int cnvml_os_die_with_parent(void) {
  return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ? 0 : -errno;
}
