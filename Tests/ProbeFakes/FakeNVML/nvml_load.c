// What runs on a device: utilisation, processes, accounting.
#define _GNU_SOURCE
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nvml_calls.h"

/// True for a GPU in MIG mode and for a MIG device, neither of which has utilisation.
static int without_load(const fake_target *target) {
  unsigned int mode = 0;
  (void)fake_read_flag(target->board, "mig_mode", &mode);
  return target->kind == FAKE_MIG || mode != 0;
}

NVML_2018 int nvmlDeviceGetUtilizationRates(void *device, nvml_utilization *utilization) {
  NVML_BEGIN(fake_begin, "GetUtilizationRates", device);
  NVML_NEED(utilization != NULL);
  if (without_load(&target)) return fake_end(FAKE_NOT_SUPPORTED);
  nvml_utilization rates = {0, 0};
  NVML_TRY(fake_read_u32(target.section, "gpu_utilization", &rates.gpu));
  NVML_TRY(fake_read_u32(target.section, "memory_utilization", &rates.memory));
  *utilization = rates;
  return fake_end(FAKE_SUCCESS);
}

static int engine(
  const char *call, void *device, const char *key, unsigned int *rate, unsigned int *period) {
  NVML_BEGIN(fake_begin, call, device);
  NVML_NEED(rate != NULL && period != NULL);
  if (without_load(&target)) return fake_end(FAKE_NOT_SUPPORTED);
  NVML_TRY(fake_read_u32(target.section, key, rate));
  *period = fake_u32_or(target.section, "sampling_period_us", 167000);
  return fake_end(FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceGetEncoderUtilization(
  void *device, unsigned int *rate, unsigned int *period) {
  return engine("GetEncoderUtilization", device, "encoder_utilization", rate, period);
}

NVML_2018 int nvmlDeviceGetDecoderUtilization(
  void *device, unsigned int *rate, unsigned int *period) {
  return engine("GetDecoderUtilization", device, "decoder_utilization", rate, period);
}

NVML_LATER int nvmlDeviceGetJpgUtilization(
  void *device, unsigned int *rate, unsigned int *period) {
  return engine("GetJpgUtilization", device, "jpeg_utilization", rate, period);
}

NVML_LATER int nvmlDeviceGetOfaUtilization(
  void *device, unsigned int *rate, unsigned int *period) {
  return engine("GetOfaUtilization", device, "ofa_utilization", rate, period);
}

NVML_2018 int nvmlDeviceGetEncoderStats(
  void *device, unsigned int *sessions, unsigned int *fps, unsigned int *latency) {
  NVML_BEGIN(fake_begin, "GetEncoderStats", device);
  NVML_NEED(sessions != NULL && fps != NULL && latency != NULL);
  NVML_TRY(fake_read_u32(target.section, "encoder_sessions", sessions));
  *fps = fake_u32_or(target.section, "encoder_fps", 0);
  *latency = fake_u32_or(target.section, "encoder_latency_us", 0);
  return fake_end(FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceGetFBCStats(void *device, nvml_fbc *stats) {
  NVML_BEGIN(fake_begin, "GetFBCStats", device);
  NVML_NEED(stats != NULL);
  NVML_TRY(fake_read_u32(target.section, "fbc_sessions", &stats->sessions));
  stats->fps = fake_u32_or(target.section, "fbc_fps", 0);
  stats->latency = fake_u32_or(target.section, "fbc_latency_us", 0);
  return fake_end(FAKE_SUCCESS);
}

// MARK: - Processes

/// The letters of `type`, as nvidia-smi prints them: C compute, G graphics, M compute under MPS.
static int is_of_type(const fake_section *section, char letter) {
  const char *type = fake_text_or(section, "type", "C");
  // M+C is one process under MPS, which only the MPS call lists.
  if (letter == 'C' && strchr(type, 'M') != NULL) return 0;
  return strchr(type, letter) != NULL;
}

/// A number that is not known is all ones, as the driver says it.
static nvml_process process_of(const fake_section *section) {
  return (nvml_process){
    .pid = fake_u32_or(section, "pid", 0),
    .used = fake_u64_or(section, "memory", ULLONG_MAX),
    .gi = fake_u32_or(section, "gi", UINT_MAX),
    .ci = fake_u32_or(section, "ci", UINT_MAX),
    .cc_protected = fake_u64_or(section, "cc_memory", 0),
  };
}

/// A MIG device shows its own processes, a GPU those of all its instances.
static int belongs(const fake_target *target, const nvml_process *process) {
  if (target->kind != FAKE_MIG) return 1;
  return process->gi == fake_u32_or(target->section, "gi", UINT_MAX - 1)
    && process->ci == fake_u32_or(target->section, "ci", UINT_MAX - 1);
}

/// Writes entries of `bytes` bytes each: a caller that believes in another size reads them crooked,
/// as it does with the early 535 drivers.
static int list_processes(
  const char *call, void *device, char letter, unsigned int bytes, unsigned int *count,
  unsigned char *entries) {
  NVML_BEGIN(fake_begin, call, device);
  NVML_NEED(count != NULL);
  if (bytes == 0) bytes = fake_u32_or(fake_driver(), "process_entry_bytes", 24);
  if (bytes != 16 && bytes != 24 && bytes != 32) return fake_end(FAKE_UNKNOWN);
  unsigned int room = entries == NULL ? 0 : *count;
  unsigned int found = 0;
  for (int writing = 0; writing < 2; writing++) {
    unsigned int number = 0;
    found = 0;
    const fake_section *section = NULL;
    while ((section = fake_gpu_parts(target.gpu, "process", section, &number)) != NULL) {
      nvml_process process = process_of(section);
      if (!is_of_type(section, letter) || !belongs(&target, &process)) continue;
      if (writing) memcpy(entries + (size_t)found * bytes, &process, bytes);
      found++;
    }
    if (found > room) break;
  }
  int fits = found <= room;
  *count = fake_u32_or(target.section, "process_count", found);
  return fake_end(fits ? FAKE_SUCCESS : FAKE_INSUFFICIENT_SIZE);
}

#define NVML_PROCESSES(since, name, letter, bytes) \
  since int nvmlDevice##name(void *device, unsigned int *count, unsigned char *entries) { \
    return list_processes(#name, device, letter, bytes, count, entries); \
  }
NVML_PROCESSES(NVML_2018, GetComputeRunningProcesses, 'C', 16)
NVML_PROCESSES(NVML_LATER, GetComputeRunningProcesses_v2, 'C', 24)
NVML_PROCESSES(NVML_LATER, GetComputeRunningProcesses_v3, 'C', 0)
NVML_PROCESSES(NVML_2018, GetGraphicsRunningProcesses, 'G', 16)
NVML_PROCESSES(NVML_LATER, GetGraphicsRunningProcesses_v2, 'G', 24)
NVML_PROCESSES(NVML_LATER, GetGraphicsRunningProcesses_v3, 'G', 0)
NVML_PROCESSES(NVML_LATER, GetMPSComputeRunningProcesses, 'M', 16)
NVML_PROCESSES(NVML_LATER, GetMPSComputeRunningProcesses_v2, 'M', 24)
NVML_PROCESSES(NVML_LATER, GetMPSComputeRunningProcesses_v3, 'M', 0)

/// `mode`: 0 compute, 1 graphics, 2 MPS.
NVML_LATER int nvmlDeviceGetRunningProcessDetailList(void *device, nvml_process_list *list) {
  NVML_BEGIN(fake_begin, "GetRunningProcessDetailList", device);
  NVML_NEED(list != NULL);
  if (list->version != NVML_VERSION(nvml_process_list, 1u)) return fake_end(FAKE_VERSION_MISMATCH);
  NVML_NEED(list->mode < 3);
  unsigned int room = list->processes == NULL ? 0 : list->count;
  unsigned int found = 0;
  unsigned int number = 0;
  const fake_section *section = NULL;
  while ((section = fake_gpu_parts(target.gpu, "process", section, &number)) != NULL) {
    nvml_process process = process_of(section);
    if (!is_of_type(section, "CGM"[list->mode]) || !belongs(&target, &process)) continue;
    if (found < room) list->processes[found] = process;
    found++;
  }
  list->count = found;
  return fake_end(found > room ? FAKE_INSUFFICIENT_SIZE : FAKE_SUCCESS);
}

// MARK: - Utilisation of processes

static fake_u64 now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (fake_u64)now.tv_sec * 1000000 + (fake_u64)now.tv_nsec / 1000;
}

/// The sample of a process; 0 when it has none that is newer than `since`.
static int sample_of(const fake_section *section, fake_u64 since, nvml_process_info *sample) {
  unsigned int sm = 0;
  if (fake_read_u32(section, "sm", &sm) != FAKE_SUCCESS) return 0;
  *sample = (nvml_process_info){
    .timestamp = fake_u64_or(section, "timestamp_us", now_us()),
    .pid = fake_u32_or(section, "pid", 0),
    .sm = sm,
    .memory = fake_u32_or(section, "mem", 0),
    .encoder = fake_u32_or(section, "enc", 0),
    .decoder = fake_u32_or(section, "dec", 0),
    .jpeg = fake_u32_or(section, "jpeg", 0),
    .ofa = fake_u32_or(section, "ofa", 0),
  };
  return sample->timestamp > since;
}

NVML_2018 int nvmlDeviceGetProcessUtilization(
  void *device, nvml_process_sample *samples, unsigned int *count, fake_u64 since) {
  NVML_BEGIN(fake_begin, "GetProcessUtilization", device);
  NVML_NEED(count != NULL);
  if (without_load(&target)) return fake_end(FAKE_NOT_SUPPORTED);
  unsigned int room = samples == NULL ? 0 : *count;
  unsigned int found = 0;
  unsigned int number = 0;
  const fake_section *section = NULL;
  while ((section = fake_gpu_parts(target.gpu, "process", section, &number)) != NULL) {
    nvml_process_info sample;
    if (!sample_of(section, since, &sample)) continue;
    if (found < room)
      samples[found] = (nvml_process_sample){
        sample.pid, sample.timestamp, sample.sm, sample.memory, sample.encoder, sample.decoder,
      };
    found++;
  }
  *count = found;
  if (found == 0) return fake_end(FAKE_NOT_FOUND);
  return fake_end(found > room ? FAKE_INSUFFICIENT_SIZE : FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetProcessesUtilizationInfo(void *device, nvml_processes_info *info) {
  NVML_BEGIN(fake_begin, "GetProcessesUtilizationInfo", device);
  NVML_NEED(info != NULL);
  if (info->version != NVML_VERSION(nvml_processes_info, 1u))
    return fake_end(FAKE_VERSION_MISMATCH);
  if (without_load(&target)) return fake_end(FAKE_NOT_SUPPORTED);
  unsigned int room = info->samples == NULL ? 0 : info->count;
  unsigned int found = 0;
  unsigned int number = 0;
  const fake_section *section = NULL;
  while ((section = fake_gpu_parts(target.gpu, "process", section, &number)) != NULL) {
    nvml_process_info sample;
    if (!sample_of(section, info->since, &sample)) continue;
    if (found < room) info->samples[found] = sample;
    found++;
  }
  info->count = found;
  if (found == 0) return fake_end(FAKE_NOT_FOUND);
  return fake_end(found > room ? FAKE_INSUFFICIENT_SIZE : FAKE_SUCCESS);
}

// MARK: - Accounting

NVML_FLAG(NVML_2018, GetAccountingMode, "accounting_mode")
NVML_U32(NVML_2018, GetAccountingBufferSize, "accounting_buffer_size")

/// Accounting answers when its mode is known; DISABLED gives an empty list.
static int accounting_code(const fake_target *target) {
  unsigned int mode = 0;
  return fake_read_flag(target->section, "accounting_mode", &mode);
}

NVML_2018 int nvmlDeviceGetAccountingPids(void *device, unsigned int *count, unsigned int *pids) {
  NVML_BEGIN(fake_begin_gpu, "GetAccountingPids", device);
  NVML_NEED(count != NULL);
  NVML_TRY(accounting_code(&target));
  unsigned int room = pids == NULL ? 0 : *count;
  unsigned int found = 0;
  unsigned int number = 0;
  const fake_section *section = NULL;
  while ((section = fake_gpu_parts(target.gpu, "accounted", section, &number)) != NULL) {
    if (found < room) pids[found] = number;
    found++;
  }
  *count = found;
  return fake_end(found > room ? FAKE_INSUFFICIENT_SIZE : FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceGetAccountingStats(
  void *device, unsigned int pid, nvml_accounting *stats) {
  NVML_BEGIN(fake_begin_gpu, "GetAccountingStats", device);
  NVML_NEED(stats != NULL);
  NVML_TRY(accounting_code(&target));
  const fake_section *section = fake_gpu_part(target.gpu, "accounted", pid);
  if (section == NULL) return fake_end(FAKE_NOT_FOUND);
  *stats = (nvml_accounting){
    .gpu = fake_u32_or(section, "gpu_utilization", UINT_MAX),
    .memory = fake_u32_or(section, "memory_utilization", UINT_MAX),
    .max_memory = fake_u64_or(section, "max_memory", ULLONG_MAX),
    .time_ms = fake_u64_or(section, "time_ms", 0),
    .start_us = fake_u64_or(section, "start_us", 0),
    .running = fake_u32_or(section, "running", 0),
  };
  return fake_end(FAKE_SUCCESS);
}
