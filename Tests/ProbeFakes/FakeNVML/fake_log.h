// Where the fake says what it did: FAKE_NVML_LOG names a file, to which every call is appended.
#pragma once

#include "fake_file.h"

#pragma GCC visibility push(hidden)

/// Problems of a file go to the log, or to standard error when there is none.
void fake_log_problems(const char *path, const fake_file *file);

/// Notes which call holds the lock, so that the end needs only the code.
void fake_log_begin(const char *call);
void fake_log_end(int code);
void fake_log_call(const char *call, int code);

#pragma GCC visibility pop
