// The parsed configuration of the fake.
#pragma once

#include "fake_nvml.h"

// Only NVML's own names are exported.
#pragma GCC visibility push(hidden)

typedef struct {
  char key[64];
  char value[FAKE_NVML_TEXT];
} fake_entry;

typedef struct {
  int exists;
  unsigned int count;
  fake_entry entries[FAKE_NVML_KEYS];
} fake_section;

typedef struct {
  fake_section driver;
  fake_section gpus[FAKE_NVML_GPUS];
} fake_machine;

/// Reads the file into `machine`, which is emptied first. Returns 0 when it cannot be opened.
int fake_read(const char *path, fake_machine *machine);

/// The value of a key, or `otherwise`.
const char *fake_text(const fake_section *section, const char *key, const char *otherwise);

/// The number of a key, or `otherwise` when it is absent or not a number.
unsigned long long fake_number(
  const fake_section *section, const char *key, unsigned long long otherwise);

#pragma GCC visibility pop
