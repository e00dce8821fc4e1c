// Rules of MIG that several calls share.
#pragma once

#include "fake_state.h"

#pragma GCC visibility push(hidden)

/// Profiles of GPU instances that NVML numbers, as of API 13.
#define FAKE_PROFILES 18u
/// Most places of one profile.
#define FAKE_PLACEMENTS 64u

/// Reads the mode of a target's GPU; NOT_SUPPORTED when the GPU has no MIG.
int fake_mig_mode(const fake_target *target, unsigned int *mode);

/// How many more instances of a profile fit beside those that there are: placements that overlap
/// none of them, taken greedily from the first.
unsigned int fake_mig_remaining(unsigned int gpu, const fake_section *profile);

/// The profile section that a GPU instance was made of; NULL when it names none.
const fake_section *fake_mig_profile_of(unsigned int gpu, const fake_section *instance,
  unsigned int *number);

#pragma GCC visibility pop
