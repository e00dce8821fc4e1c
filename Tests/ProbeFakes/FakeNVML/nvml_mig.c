// MIG devices, GPU instances, compute instances.
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_mig.h"
#include "nvml_calls.h"

NVML_LATER int nvmlDeviceIsMigDeviceHandle(void *device, unsigned int *is) {
  NVML_BEGIN(fake_begin, "IsMigDeviceHandle", device);
  NVML_NEED(is != NULL);
  *is = target.kind == FAKE_MIG;
  return fake_end(FAKE_SUCCESS);
}

/// Zero when MIG is not supported or off, as the driver has it; a bound, not a count, otherwise.
NVML_LATER int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned int *count) {
  NVML_BEGIN(fake_begin_gpu, "GetMaxMigDeviceCount", device);
  NVML_NEED(count != NULL);
  unsigned int mode = 0;
  int code = fake_mig_mode(&target, &mode);
  if (code != FAKE_NOT_SUPPORTED) NVML_TRY(code);
  *count = mode == 0 ? 0 : fake_u32_or(target.section, "mig_max_devices", 7);
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetMigDeviceHandleByIndex(
  void *device, unsigned int index, void **mig) {
  NVML_BEGIN(fake_begin_gpu, "GetMigDeviceHandleByIndex", device);
  NVML_NEED(mig != NULL);
  unsigned int mode = 0;
  NVML_TRY(fake_mig_mode(&target, &mode));
  if (index >= FAKE_MIG_DEVICES || index >= fake_u32_or(target.section, "mig_max_devices", 7))
    return fake_end(FAKE_INVALID_ARGUMENT);
  const fake_section *section = fake_gpu_part(target.gpu, "mig", index);
  if (mode == 0 || section == NULL) return fake_end(FAKE_NOT_FOUND);
  NVML_TRY(fake_run_script(section, "handle"));
  *mig = fake_handle(FAKE_MIG, target.gpu, index, 0);
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *mig, void **device) {
  NVML_BEGIN(fake_begin, "GetDeviceHandleFromMigDeviceHandle", mig);
  NVML_NEED(device != NULL && target.kind == FAKE_MIG);
  *device = fake_handle(FAKE_GPU, target.gpu, 0, 0);
  return fake_end(FAKE_SUCCESS);
}

static int instance_id(const char *call, void *device, const char *key, unsigned int *id) {
  NVML_BEGIN(fake_begin, call, device);
  NVML_NEED(id != NULL);
  if (target.kind != FAKE_MIG) return fake_end(FAKE_NOT_SUPPORTED);
  return fake_end(fake_read_u32(target.section, key, id));
}

NVML_LATER int nvmlDeviceGetGpuInstanceId(void *device, unsigned int *id) {
  return instance_id("GetGpuInstanceId", device, "gi", id);
}

NVML_LATER int nvmlDeviceGetComputeInstanceId(void *device, unsigned int *id) {
  return instance_id("GetComputeInstanceId", device, "ci", id);
}

static int attributes(const char *call, void *device, nvml_attributes *attributes) {
  NVML_BEGIN(fake_begin, call, device);
  NVML_NEED(attributes != NULL);
  const fake_section *section = target.section;
  nvml_attributes filled = {0};
  if (target.kind != FAKE_MIG) return fake_end(FAKE_NOT_SUPPORTED);
  NVML_TRY(fake_read_u32(section, "multiprocessors", &filled.multiprocessors));
  filled.copy = fake_u32_or(section, "copy_engines", 0);
  filled.decoder = fake_u32_or(section, "decoders", 0);
  filled.encoder = fake_u32_or(section, "encoders", 0);
  filled.jpeg = fake_u32_or(section, "jpegs", 0);
  filled.ofa = fake_u32_or(section, "ofas", 0);
  filled.gi_slices = fake_u32_or(section, "gi_slices", 0);
  filled.ci_slices = fake_u32_or(section, "ci_slices", filled.gi_slices);
  filled.memory_mb = fake_u64_or(
    section, "memory_mb", fake_u64_or(section, "memory_total", 0) >> 20);
  *attributes = filled;
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetAttributes(void *device, nvml_attributes *all) {
  return attributes("GetAttributes", device, all);
}

NVML_LATER int nvmlDeviceGetAttributes_v2(void *device, nvml_attributes *all) {
  return attributes("GetAttributes_v2", device, all);
}

// MARK: - Profiles of GPU instances

/// The section of the profile with that number; its id is another thing.
static int profile_section(
  const fake_target *target, unsigned int profile, const fake_section **section) {
  unsigned int mode = 0;
  int code = fake_mig_mode(target, &mode);
  if (code != FAKE_SUCCESS) return code;
  if (profile >= fake_u32_or(fake_driver(), "mig_profile_count", FAKE_PROFILES))
    return FAKE_INVALID_ARGUMENT;
  *section = fake_gpu_part(target->gpu, "profile", profile);
  return *section == NULL ? FAKE_NOT_SUPPORTED : FAKE_SUCCESS;
}

static nvml_gi_profile gi_profile_of(const fake_section *section) {
  return (nvml_gi_profile){
    .id = fake_u32_or(section, "id", 0),
    .p2p = fake_u32_or(section, "p2p", 0),
    .slices = fake_u32_or(section, "slices", 0),
    .instances = fake_u32_or(section, "instances", 0),
    .sms = fake_u32_or(section, "multiprocessors", 0),
    .copy = fake_u32_or(section, "copy_engines", 0),
    .decoder = fake_u32_or(section, "decoders", 0),
    .encoder = fake_u32_or(section, "encoders", 0),
    .jpeg = fake_u32_or(section, "jpegs", 0),
    .ofa = fake_u32_or(section, "ofas", 0),
    .memory_mb = fake_u64_or(section, "memory_mb", 0),
  };
}

NVML_LATER int nvmlDeviceGetGpuInstanceProfileInfo(
  void *device, unsigned int profile, nvml_gi_profile *info) {
  NVML_BEGIN(fake_begin_gpu, "GetGpuInstanceProfileInfo", device);
  NVML_NEED(info != NULL);
  const fake_section *section = NULL;
  NVML_TRY(profile_section(&target, profile, &section));
  *info = gi_profile_of(section);
  return fake_end(FAKE_SUCCESS);
}

/// `MIG 1g.10gb`, cut where the buffer ends.
static void profile_name(const fake_section *section, char name[96]) {
  snprintf(name, 96, "%s", fake_text_or(section, "name", ""));
}

/// Fills the second or third version, which have the same size and different places.
static int fill_gi_profile(const fake_section *section, nvml_gi_profile_v2 *info) {
  nvml_gi_profile all = gi_profile_of(section);
  if (info->version == NVML_VERSION(nvml_gi_profile_v2, 2u)) {
    nvml_gi_profile_v2 filled = {
      .version = info->version, .id = all.id, .p2p = all.p2p, .slices = all.slices,
      .instances = all.instances, .sms = all.sms, .copy = all.copy, .decoder = all.decoder,
      .encoder = all.encoder, .jpeg = all.jpeg, .ofa = all.ofa, .memory_mb = all.memory_mb,
    };
    profile_name(section, filled.name);
    *info = filled;
    return FAKE_SUCCESS;
  }
  if (info->version != NVML_VERSION(nvml_gi_profile_v3, 3u)) return FAKE_VERSION_MISMATCH;
  if (fake_u32_or(fake_driver(), "mig_profile_version", 3) < 3) return FAKE_VERSION_MISMATCH;
  nvml_gi_profile_v3 filled = {
    .version = info->version, .id = all.id, .slices = all.slices, .instances = all.instances,
    .sms = all.sms, .copy = all.copy, .decoder = all.decoder, .encoder = all.encoder,
    .jpeg = all.jpeg, .ofa = all.ofa, .memory_mb = all.memory_mb,
    .capabilities = fake_u32_or(section, "capabilities", all.p2p ? 1 : 0),
  };
  profile_name(section, filled.name);
  memcpy(info, &filled, sizeof filled);
  return FAKE_SUCCESS;
}

NVML_LATER int nvmlDeviceGetGpuInstanceProfileInfoV(
  void *device, unsigned int profile, nvml_gi_profile_v2 *info) {
  NVML_BEGIN(fake_begin_gpu, "GetGpuInstanceProfileInfoV", device);
  NVML_NEED(info != NULL);
  const fake_section *section = NULL;
  NVML_TRY(profile_section(&target, profile, &section));
  return fake_end(fill_gi_profile(section, info));
}

/// The profile with that id: what instances and placements speak of.
static const fake_section *profile_with_id(unsigned int gpu, unsigned int id) {
  const fake_section *section = NULL;
  unsigned int number = 0;
  while ((section = fake_gpu_parts(gpu, "profile", section, &number)) != NULL)
    if (fake_u32_or(section, "id", UINT_MAX) == id) return section;
  return NULL;
}

NVML_LATER int nvmlDeviceGetGpuInstanceProfileInfoByIdV(
  void *device, unsigned int id, nvml_gi_profile_v2 *info) {
  NVML_BEGIN(fake_begin_gpu, "GetGpuInstanceProfileInfoByIdV", device);
  NVML_NEED(info != NULL);
  unsigned int mode = 0;
  NVML_TRY(fake_mig_mode(&target, &mode));
  const fake_section *section = profile_with_id(target.gpu, id);
  if (section == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  return fake_end(fill_gi_profile(section, info));
}

// MARK: - Placements

static int placements_of(
  const char *call, void *device, unsigned int id, nvml_placement *placements,
  unsigned int *count) {
  NVML_BEGIN(fake_begin_gpu, call, device);
  NVML_NEED(count != NULL);
  unsigned int mode = 0;
  NVML_TRY(fake_mig_mode(&target, &mode));
  const fake_section *section = profile_with_id(target.gpu, id);
  if (section == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  unsigned int found = 0;
  const char *at = fake_text_or(section, "placements", "");
  nvml_placement place;
  // The count is only told: callers ask without an array first, then bring a large enough one.
  for (; found < FAKE_PLACEMENTS && fake_pair_next(&at, 1, &place.start, &place.size); found++)
    if (placements != NULL) placements[found] = place;
  *count = found;
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetGpuInstancePossiblePlacements(
  void *device, unsigned int id, nvml_placement *placements, unsigned int *count) {
  return placements_of("GetGpuInstancePossiblePlacements", device, id, placements, count);
}

NVML_LATER int nvmlDeviceGetGpuInstancePossiblePlacements_v2(
  void *device, unsigned int id, nvml_placement *placements, unsigned int *count) {
  return placements_of("GetGpuInstancePossiblePlacements_v2", device, id, placements, count);
}

NVML_LATER int nvmlDeviceGetGpuInstanceRemainingCapacity(
  void *device, unsigned int id, unsigned int *count) {
  NVML_BEGIN(fake_begin_gpu, "GetGpuInstanceRemainingCapacity", device);
  NVML_NEED(count != NULL);
  unsigned int mode = 0;
  NVML_TRY(fake_mig_mode(&target, &mode));
  const fake_section *section = profile_with_id(target.gpu, id);
  if (section == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  if (fake_section_value(section, "remaining") != NULL)
    return fake_end(fake_read_u32(section, "remaining", count));
  *count = fake_mig_remaining(target.gpu, section);
  return fake_end(FAKE_SUCCESS);
}

// MARK: - GPU instances

NVML_LATER int nvmlDeviceGetGpuInstances(
  void *device, unsigned int id, void **instances, unsigned int *count) {
  NVML_BEGIN(fake_begin_gpu, "GetGpuInstances", device);
  NVML_NEED(instances != NULL && count != NULL);
  unsigned int mode = 0;
  NVML_TRY(fake_mig_mode(&target, &mode));
  if (mode == 0) return fake_end(FAKE_NOT_SUPPORTED);
  if (profile_with_id(target.gpu, id) == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  unsigned int found = 0;
  unsigned int number = 0;
  const fake_section *section = NULL;
  // The array has room for every instance of the profile: the call is not told its size.
  while ((section = fake_gpu_parts(target.gpu, "gi", section, &number)) != NULL) {
    if (number >= FAKE_GPU_INSTANCES || fake_u32_or(section, "profile", UINT_MAX) != id) continue;
    instances[found++] = fake_handle(FAKE_GI, target.gpu, number, 0);
  }
  *count = found;
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetGpuInstanceById(void *device, unsigned int id, void **instance) {
  NVML_BEGIN(fake_begin_gpu, "GetGpuInstanceById", device);
  NVML_NEED(instance != NULL);
  unsigned int mode = 0;
  NVML_TRY(fake_mig_mode(&target, &mode));
  if (mode == 0) return fake_end(FAKE_NOT_SUPPORTED);
  if (id >= FAKE_GPU_INSTANCES || fake_gpu_part(target.gpu, "gi", id) == NULL)
    return fake_end(FAKE_NOT_FOUND);
  *instance = fake_handle(FAKE_GI, target.gpu, id, 0);
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlGpuInstanceGetInfo(void *instance, nvml_gi *info) {
  fake_target target;
  int code = fake_begin_instance("GpuInstanceGetInfo", instance, FAKE_GI, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(info != NULL);
  nvml_gi filled = {
    .device = fake_handle(FAKE_GPU, target.gpu, 0, 0), .id = target.instance,
    .profile = fake_u32_or(target.section, "profile", 0),
  };
  const char *at = fake_text_or(target.section, "placement", "");
  (void)fake_pair_next(&at, 1, &filled.placement.start, &filled.placement.size);
  *info = filled;
  return fake_end(FAKE_SUCCESS);
}
