#define _GNU_SOURCE
#include "cnvml_os.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
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

int cnvml_os_can_load(const char *library) {
  void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
  if (handle == NULL) return 0;
  dlclose(handle);
  return 1;
}

int cnvml_os_die_with_parent(void) {
  return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ? 0 : -errno;
}

extern char **environ;

/// Descriptor of the child on which it writes.
#define RECORD_DESCRIPTOR 3

static int prepare(
  posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, int descriptor) {
  sigset_t none, broken;
  sigemptyset(&none);
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  int code = 0;
  for (int standard = 0; standard < 3 && code == 0; standard++)
    code = posix_spawn_file_actions_addopen(files, standard, "/dev/null", O_RDWR, 0);
  if (code == 0) code = posix_spawn_file_actions_adddup2(files, descriptor, RECORD_DESCRIPTOR);
  if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(files, RECORD_DESCRIPTOR + 1);
  if (code == 0) code = posix_spawnattr_setsigmask(attributes, &none);
  if (code == 0) code = posix_spawnattr_setsigdefault(attributes, &broken);
  if (code == 0)
    code = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  return code;
}

long cnvml_os_spawn(const char *program, char *const arguments[], int *descriptor) {
  *descriptor = -1;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -(long)errno;
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  pid_t child = -1;
  int code = prepare(&files, &attributes, ends[1]);
  if (code == 0) code = posix_spawn(&child, program, &files, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  close(ends[1]);
  if (code != 0) {
    close(ends[0]);
    return -(long)code;
  }
  *descriptor = ends[0];
  return child;
}
