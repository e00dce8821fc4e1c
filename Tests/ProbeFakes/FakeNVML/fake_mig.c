#include "fake_mig.h"

#include <limits.h>

int fake_mig_mode(const fake_target *target, unsigned int *mode) {
  return fake_read_flag(target->board, "mig_mode", mode);
}

/// Marks the memory slices of a placement, at most 64, in `taken`.
static uint64_t slices(unsigned int start, unsigned int size) {
  if (start >= 64 || size == 0) return 0;
  uint64_t mask = size >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << size) - 1;
  return mask << start;
}

unsigned int fake_mig_remaining(unsigned int gpu, const fake_section *profile) {
  uint64_t taken = 0;
  unsigned int number = 0;
  unsigned int start = 0;
  unsigned int size = 0;
  const fake_section *section = NULL;
  while ((section = fake_gpu_parts(gpu, "gi", section, &number)) != NULL) {
    const char *at = fake_text_or(section, "placement", "");
    if (fake_pair_next(&at, 1, &start, &size)) taken |= slices(start, size);
  }
  unsigned int free_places = 0;
  const char *at = fake_text_or(profile, "placements", "");
  while (fake_pair_next(&at, 1, &start, &size)) {
    uint64_t wanted = slices(start, size);
    if (wanted == 0 || (taken & wanted) != 0) continue;
    taken |= wanted;
    free_places++;
  }
  unsigned int most = fake_u32_or(profile, "instances", UINT_MAX);
  return free_places < most ? free_places : most;
}

const fake_section *fake_mig_profile_of(unsigned int gpu, const fake_section *instance,
  unsigned int *number) {
  unsigned int id = fake_u32_or(instance, "profile", UINT_MAX);
  const fake_section *section = NULL;
  while ((section = fake_gpu_parts(gpu, "profile", section, number)) != NULL)
    if (fake_u32_or(section, "id", UINT_MAX - 1) == id) return section;
  return NULL;
}
