// ECC, retired pages, remapped rows and repairs.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_ecc.h"
#include "nvml_calls.h"

NVML_2018 int nvmlDeviceGetTotalEccErrors(void *device, int error, int counter, fake_u64 *count) {
  NVML_BEGIN(fake_begin, "GetTotalEccErrors", device);
  NVML_NEED(count != NULL && error >= 0 && error < 2 && counter >= 0 && counter < 2);
  return fake_end(fake_ecc_total(target.section, error, counter, count));
}

NVML_2018 int nvmlDeviceGetMemoryErrorCounter(
  void *device, int error, int counter, int location, fake_u64 *count) {
  NVML_BEGIN(fake_begin, "GetMemoryErrorCounter", device);
  NVML_NEED(count != NULL && error >= 0 && error < 2 && counter >= 0 && counter < 2);
  NVML_NEED(location >= 0 && location < FAKE_ECC_LOCATIONS);
  return fake_end(fake_ecc_count(target.section, error, counter, location, count));
}

NVML_2018 int nvmlDeviceGetDetailedEccErrors(
  void *device, int error, int counter, nvml_ecc_detail *counts) {
  NVML_BEGIN(fake_begin, "GetDetailedEccErrors", device);
  NVML_NEED(counts != NULL && error >= 0 && error < 2 && counter >= 0 && counter < 2);
  fake_u64 total = 0;
  NVML_TRY(fake_ecc_total(target.section, error, counter, &total));
  nvml_ecc_detail detail = {0, 0, 0, 0};
  (void)fake_ecc_count(target.section, error, counter, 0, &detail.l1);
  (void)fake_ecc_count(target.section, error, counter, 1, &detail.l2);
  (void)fake_ecc_count(target.section, error, counter, 2, &detail.device);
  (void)fake_ecc_count(target.section, error, counter, 3, &detail.registers);
  *counts = detail;
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetSramEccErrorStatus(void *device, nvml_sram_ecc *status) {
  NVML_BEGIN(fake_begin_gpu, "GetSramEccErrorStatus", device);
  NVML_NEED(status != NULL);
  if (status->version != NVML_VERSION(nvml_sram_ecc, 1u)) return fake_end(FAKE_VERSION_MISMATCH);
  const fake_section *board = target.section;
  nvml_sram_ecc filled = {.version = status->version};
  NVML_TRY(fake_read_u64(board, "sram_aggregate_parity", &filled.aggregate_parity));
  filled.aggregate_secded = fake_u64_or(board, "sram_aggregate_secded", 0);
  filled.aggregate_corrected = fake_u64_or(board, "sram_aggregate_corrected", 0);
  filled.volatile_parity = fake_u64_or(board, "sram_volatile_parity", 0);
  filled.volatile_secded = fake_u64_or(board, "sram_volatile_secded", 0);
  filled.volatile_corrected = fake_u64_or(board, "sram_volatile_corrected", 0);
  filled.l2 = fake_u64_or(board, "sram_source_l2", 0);
  filled.sm = fake_u64_or(board, "sram_source_sm", 0);
  filled.pcie = fake_u64_or(board, "sram_source_pcie", 0);
  filled.mcu = fake_u64_or(board, "sram_source_mcu", 0);
  filled.other = fake_u64_or(board, "sram_source_other", 0);
  (void)fake_read_flag(board, "sram_threshold_exceeded", &filled.threshold_exceeded);
  *status = filled;
  return fake_end(FAKE_SUCCESS);
}

// MARK: - Retired pages

/// `cause`: 0 several corrected errors, 1 an uncorrected one. The file counts the pages; their
/// addresses are made up.
static int retired(
  const char *call, void *device, int cause, unsigned int *count, fake_u64 *addresses,
  fake_u64 *times) {
  static const char *const keys[] = {"retired_pages_corrected", "retired_pages_uncorrected"};
  NVML_BEGIN(fake_begin_gpu, call, device);
  NVML_NEED(count != NULL && cause >= 0 && cause < 2);
  unsigned int found = 0;
  NVML_TRY(fake_read_u32(target.section, keys[cause], &found));
  unsigned int room = addresses == NULL ? 0 : *count;
  *count = found;
  if (found > room) return fake_end(FAKE_INSUFFICIENT_SIZE);
  for (unsigned int page = 0; page < found; page++) {
    addresses[page] = 0x10000ull * (page + 1) + (fake_u64)cause * 0x1000;
    if (times != NULL) times[page] = fake_u64_or(target.section, "retired_pages_time_us", 0);
  }
  return fake_end(FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceGetRetiredPages(
  void *device, int cause, unsigned int *count, fake_u64 *addresses) {
  return retired("GetRetiredPages", device, cause, count, addresses, NULL);
}

NVML_LATER int nvmlDeviceGetRetiredPages_v2(
  void *device, int cause, unsigned int *count, fake_u64 *addresses, fake_u64 *times) {
  return retired("GetRetiredPages_v2", device, cause, count, addresses, times);
}

NVML_FLAG(NVML_2018, GetRetiredPagesPendingStatus, "retired_pages_pending")

// MARK: - Remapped rows

NVML_LATER int nvmlDeviceGetRemappedRows(
  void *device, unsigned int *corrected, unsigned int *uncorrected, unsigned int *pending,
  unsigned int *failure) {
  NVML_BEGIN(fake_begin, "GetRemappedRows", device);
  NVML_NEED(corrected != NULL && uncorrected != NULL && pending != NULL && failure != NULL);
  NVML_TRY(fake_read_u32(target.section, "remapped_rows_corrected", corrected));
  *uncorrected = fake_u32_or(target.section, "remapped_rows_uncorrected", 0);
  *pending = 0;
  *failure = 0;
  (void)fake_read_flag(target.section, "remapped_rows_pending", pending);
  (void)fake_read_flag(target.section, "remapped_rows_failure", failure);
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetRemappedRows_v2(void *device, nvml_remapped_v2 *rows) {
  NVML_BEGIN(fake_begin, "GetRemappedRows_v2", device);
  NVML_NEED(rows != NULL);
  nvml_remapped_v2 filled = {0, 0, 0, 0, 0, 0};
  NVML_TRY(fake_read_u32(target.section, "remapped_rows_corrected", &filled.corrected));
  filled.uncorrected = fake_u32_or(target.section, "remapped_rows_uncorrected", 0);
  filled.corrected_inactive = fake_u32_or(target.section, "remapped_rows_corrected_inactive", 0);
  filled.uncorrected_inactive =
    fake_u32_or(target.section, "remapped_rows_uncorrected_inactive", 0);
  (void)fake_read_flag(target.section, "remapped_rows_pending", &filled.pending);
  (void)fake_read_flag(target.section, "remapped_rows_failure", &filled.failure);
  *rows = filled;
  return fake_end(FAKE_SUCCESS);
}

/// `row_remapper_histogram = max, high, partial, low, none`.
NVML_LATER int nvmlDeviceGetRowRemapperHistogram(void *device, nvml_remap_histogram *histogram) {
  NVML_BEGIN(fake_begin, "GetRowRemapperHistogram", device);
  NVML_NEED(histogram != NULL);
  const char *value = fake_section_value(target.section, "row_remapper_histogram");
  NVML_TRY(fake_value_code(value));
  unsigned int banks[5] = {0, 0, 0, 0, 0};
  unsigned int unused = 0;
  for (int index = 0; index < 5; index++)
    if (!fake_pair_next(&value, 0, &banks[index], &unused)) return fake_end(FAKE_UNKNOWN);
  *histogram = (nvml_remap_histogram){banks[0], banks[1], banks[2], banks[3], banks[4]};
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetRepairStatus(void *device, nvml_repair *status) {
  NVML_BEGIN(fake_begin_gpu, "GetRepairStatus", device);
  NVML_NEED(status != NULL);
  if (status->version != NVML_VERSION(nvml_repair, 1u)) return fake_end(FAKE_VERSION_MISMATCH);
  nvml_repair filled = {.version = status->version};
  NVML_TRY(fake_read_flag(target.section, "channel_repair_pending", &filled.channel));
  NVML_TRY(fake_read_flag(target.section, "tpc_repair_pending", &filled.tpc));
  *status = filled;
  return fake_end(FAKE_SUCCESS);
}

// MARK: - Units and licences that no GPU node has

/// S-class units: none.
NVML_2018 int nvmlUnitGetCount(unsigned int *count) {
  int code = fake_begin_system("UnitGetCount");
  if (code != FAKE_SUCCESS) return code;
  if (count == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  *count = 0;
  return fake_end(FAKE_SUCCESS);
}
