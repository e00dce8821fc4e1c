#define _GNU_SOURCE
#include "failing_calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int counted;

/* Whether this call is the one that fails; errno is set then. */
static int fails(void) {
  const char *number = getenv("FAIL_CALL");
  if (number == NULL) return 0;
  if (atomic_fetch_add(&counted, 1) + 1 != atoi(number)) return 0;
  const char *fired = getenv("FAIL_FIRED");
  if (fired != NULL) {
    long file = syscall(SYS_openat, AT_FDCWD, fired, O_WRONLY | O_CREAT, 0600);
    if (file >= 0) syscall(SYS_close, file);
  }
  const char *error = getenv("FAIL_ERROR");
  errno = error != NULL ? atoi(error) : EIO;
  return 1;
}

static int is_for_writing(int flags) { return (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0; }

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                  \
  int name(const char *path, int flags, ...) {                      \
    mode_t mode = 0;                                                \
    if (flags & O_CREAT) {                                          \
      va_list rest;                                                 \
      va_start(rest, flags);                                        \
      mode = va_arg(rest, mode_t);                                  \
      va_end(rest);                                                 \
    }                                                               \
    if (is_for_writing(flags) && fails()) return -1;                \
    return NEXT(name)(path, flags, mode);                           \
  }

OPEN(open)
OPEN(open64)

/* The standard streams say what became of it: they do not fail. */
ssize_t write(int file, const void *bytes, size_t count) {
  if (file > 2 && fails()) return -1;
  return NEXT(write)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  if (fails()) return -1;
  return NEXT(pwrite)(file, bytes, count, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  if (fails()) return -1;
  return NEXT(pwrite64)(file, bytes, count, offset);
}

int fsync(int file) { return fails() ? -1 : NEXT(fsync)(file); }

int fdatasync(int file) { return fails() ? -1 : NEXT(fdatasync)(file); }

int ftruncate(int file, off_t length) { return fails() ? -1 : NEXT(ftruncate)(file, length); }

int ftruncate64(int file, off64_t length) {
  return fails() ? -1 : NEXT(ftruncate64)(file, length);
}

int unlink(const char *path) { return fails() ? -1 : NEXT(unlink)(path); }

int mkdir(const char *path, mode_t mode) { return fails() ? -1 : NEXT(mkdir)(path, mode); }
