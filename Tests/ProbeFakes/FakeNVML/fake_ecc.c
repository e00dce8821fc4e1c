#include "fake_ecc.h"

#include <stdio.h>

static int count_of(
  const fake_section *section, int error, int counter, const char *place, fake_u64 *count) {
  static const char *const errors[] = {"corrected", "uncorrected"};
  static const char *const counters[] = {"volatile", "aggregate"};
  char key[64];
  snprintf(key, sizeof key, "ecc_%s_%s%s%s", errors[error], counters[counter],
    *place == '\0' ? "" : "_", place);
  return fake_read_u64(section, key, count);
}

int fake_ecc_count(
  const fake_section *section, int error, int counter, int location, fake_u64 *count) {
  static const char *const places[FAKE_ECC_LOCATIONS] = {
    "l1", "l2", "dram", "register_file", "texture", "texture_shm", "cbu", "sram",
  };
  return count_of(section, error, counter, places[location], count);
}

int fake_ecc_total(const fake_section *section, int error, int counter, fake_u64 *count) {
  fake_u64 total = 0;
  int code = count_of(section, error, counter, "", &total);
  if (code == FAKE_NOT_SUPPORTED)
    for (int location = 0; location < FAKE_ECC_LOCATIONS; location++) {
      fake_u64 part = 0;
      if (fake_ecc_count(section, error, counter, location, &part) != FAKE_SUCCESS) continue;
      total += part;
      code = FAKE_SUCCESS;
    }
  if (code == FAKE_SUCCESS) *count = total;
  return code;
}
