// Values of the fake's file: numbers, codes, lists, and what is not known.
#pragma once

#include "fake_file.h"

#pragma GCC visibility push(hidden)

typedef unsigned long long fake_u64;

/// Return codes of NVML.
enum {
  FAKE_SUCCESS = 0,
  FAKE_UNINITIALIZED = 1,
  FAKE_INVALID_ARGUMENT = 2,
  FAKE_NOT_SUPPORTED = 3,
  FAKE_NO_PERMISSION = 4,
  FAKE_NOT_FOUND = 6,
  FAKE_INSUFFICIENT_SIZE = 7,
  FAKE_DRIVER_NOT_LOADED = 9,
  FAKE_TIMEOUT = 10,
  FAKE_INSUFFICIENT_RESOURCES = 23,
  FAKE_VERSION_MISMATCH = 25,
  FAKE_UNKNOWN = 999,
};

/// The text of a return code as the library prints it; never NULL.
const char *fake_code_text(int code);

/// Reads a code: a number, or its name with or without NVML_ERROR_. Returns 0 when it is neither.
int fake_code_parse(const char *text, size_t length, int *code);

/// Reads a whole number, decimal or 0x hexadecimal, with an optional unit KiB, MiB, GiB.
/// Returns 0 when it is not one or does not fit 64 bits.
int fake_number_parse(const char *text, fake_u64 *number);

/// Why a value is not there: NOT_SUPPORTED when it is absent, empty or `N/A`, the code of `!CODE`;
/// SUCCESS when there is one to read.
int fake_value_code(const char *value);

// Each of the following reads one key of a section, NULL allowed. They return a code of NVML and
// write the output only on success; UNKNOWN says that the file holds something unreadable.
int fake_read_u64(const fake_section *section, const char *key, fake_u64 *number);
int fake_read_u32(const fake_section *section, const char *key, unsigned int *number);
int fake_read_i32(const fake_section *section, const char *key, int *number);
/// `enabled`, `on`, `yes` are 1; `disabled`, `off`, `no` are 0; else a number.
int fake_read_flag(const fake_section *section, const char *key, unsigned int *flag);
/// `9.0` gives 9 and 0; `12.4` 12 and 4.
int fake_read_dotted(const fake_section *section, const char *key, int *major, int *minor);

/// The same, with a value for a key that is absent, refused or unreadable.
fake_u64 fake_u64_or(const fake_section *section, const char *key, fake_u64 otherwise);
unsigned int fake_u32_or(const fake_section *section, const char *key, unsigned int otherwise);
const char *fake_text_or(const fake_section *section, const char *key, const char *otherwise);

/// Sets the bits of a list such as `0-3,8` in `words`, which are emptied first. Returns
/// INSUFFICIENT_SIZE when a number does not fit, UNKNOWN when it is not a list.
int fake_mask_parse(const char *text, unsigned long *words, unsigned int count);

/// Takes the next number of a list separated by commas or blanks, `start:size` pairs included.
/// Returns 0 at the end; the second number of a lone one is `otherwise`.
int fake_pair_next(const char **text, unsigned int otherwise, unsigned int *a, unsigned int *b);

#pragma GCC visibility pop
