#define _GNU_SOURCE
#include "fake_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/// The call that holds the lock.
static const char *current = "";

/// A descriptor to append to, or -1.
static int opened(void) {
  const char *path = getenv("FAKE_NVML_LOG");
  if (path == NULL || *path == '\0') return -1;
  return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
}

void fake_log_problems(const char *path, const fake_file *file) {
  if (file->problem_count == 0) return;
  int descriptor = opened();
  for (size_t index = 0; index < file->problem_count; index++) {
    const fake_problem *problem = &file->problems[index];
    (void)dprintf(
      descriptor < 0 ? STDERR_FILENO : descriptor, "%s:%u: %s\n", path, problem->line,
      problem->what);
  }
  if (descriptor >= 0) close(descriptor);
}

void fake_log_call(const char *call, int code) {
  int descriptor = opened();
  if (descriptor < 0) return;
  (void)dprintf(descriptor, "%s = %d\n", call, code);
  close(descriptor);
}

void fake_log_begin(const char *call) { current = call; }

void fake_log_end(int code) { fake_log_call(current, code); }
