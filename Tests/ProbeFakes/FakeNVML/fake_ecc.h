// Counts of memory errors by place.
#pragma once

#include "fake_values.h"

#pragma GCC visibility push(hidden)

/// Places that NVML numbers: L1, L2, DRAM, registers, texture, texture shared, CBU, SRAM.
#define FAKE_ECC_LOCATIONS 8

// `error`: 0 corrected, 1 uncorrected; `counter`: 0 volatile, 1 aggregate. Both return a code.

/// The count of one place.
int fake_ecc_count(
  const fake_section *section, int error, int counter, int location, fake_u64 *count);

/// The total, which is the sum of the places unless the file gives it.
int fake_ecc_total(const fake_section *section, int error, int counter, fake_u64 *count);

#pragma GCC visibility pop
