// Compute instances within a GPU instance.
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "fake_mig.h"
#include "nvml_calls.h"

/// Compute instance profiles that NVML numbers: 1, 2, 3, 4, 7, 8, 6 slices, and 1 once more.
enum { CI_PROFILES = 8 };

/// A compute instance profile of a GPU instance. The file may describe it in
/// `[gpu N profile P ci C]`; where it does not, profiles of 1, 2, 3, 4 and 7 slices up to those of
/// the GPU instance are worked out from its own figures.
static int ci_profile_of(
  const fake_target *target, unsigned int profile, nvml_ci_profile *info, const char **name) {
  static const unsigned int slices[CI_PROFILES] = {1, 2, 3, 4, 7, 8, 6, 0};
  if (profile >= CI_PROFILES) return FAKE_INVALID_ARGUMENT;
  unsigned int number = 0;
  const fake_section *parent = fake_mig_profile_of(target->gpu, target->section, &number);
  if (parent == NULL) return FAKE_NOT_SUPPORTED;
  fake_name own = fake_named(
    "gpu profile ci ", (unsigned int[]){target->gpu, number, profile}, 3);
  const fake_section *section = fake_file_section(fake_current(), own.text);
  unsigned int whole = fake_u32_or(parent, "slices", 0);
  unsigned int part = section != NULL ? fake_u32_or(section, "slices", slices[profile])
                                      : slices[profile];
  if (part == 0 || part > whole) return FAKE_NOT_SUPPORTED;
  const fake_section *from = section != NULL ? section : parent;
  unsigned int sms = fake_u32_or(parent, "multiprocessors", 0) / whole * part;
  if (part == whole) sms = fake_u32_or(parent, "multiprocessors", 0);
  *info = (nvml_ci_profile){
    .id = fake_u32_or(section, "id", profile),
    .slices = part,
    .instances = fake_u32_or(section, "instances", whole / part),
    .sms = fake_u32_or(section, "multiprocessors", sms),
    .copy = fake_u32_or(from, "copy_engines", 0),
    .decoder = fake_u32_or(from, "decoders", 0),
    .encoder = fake_u32_or(from, "encoders", 0),
    .jpeg = fake_u32_or(from, "jpegs", 0),
    .ofa = fake_u32_or(from, "ofas", 0),
  };
  *name = fake_text_or(section, "name", fake_text_or(parent, "name", ""));
  return FAKE_SUCCESS;
}

NVML_LATER int nvmlGpuInstanceGetComputeInstanceProfileInfo(
  void *instance, unsigned int profile, unsigned int engine, nvml_ci_profile *info) {
  fake_target target;
  int code = fake_begin_instance(
    "GpuInstanceGetComputeInstanceProfileInfo", instance, FAKE_GI, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(info != NULL && engine == 0);
  nvml_ci_profile filled;
  const char *name = "";
  NVML_TRY(ci_profile_of(&target, profile, &filled, &name));
  *info = filled;
  return fake_end(FAKE_SUCCESS);
}

/// `MIG 1c.3g.40gb`; that of the whole GPU instance has no `Nc.`.
static void ci_name(const fake_target *target, const nvml_ci_profile *all, const char *given,
  char name[96]) {
  unsigned int number = 0;
  const fake_section *parent = fake_mig_profile_of(target->gpu, target->section, &number);
  const char *plain = fake_text_or(parent, "name", "");
  int parts = all->slices < fake_u32_or(parent, "slices", 0) && strcmp(plain, given) == 0;
  if (parts && strncmp(plain, "MIG ", 4) == 0)
    snprintf(name, 96, "MIG %uc.%.70s", all->slices, plain + 4);
  else snprintf(name, 96, "%s", given);
}

NVML_LATER int nvmlGpuInstanceGetComputeInstanceProfileInfoV(
  void *instance, unsigned int profile, unsigned int engine, nvml_ci_profile_v2 *info) {
  fake_target target;
  int code = fake_begin_instance(
    "GpuInstanceGetComputeInstanceProfileInfoV", instance, FAKE_GI, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(info != NULL && engine == 0);
  int third = info->version == NVML_VERSION(nvml_ci_profile_v3, 3u);
  if (!third && info->version != NVML_VERSION(nvml_ci_profile_v2, 2u))
    return fake_end(FAKE_VERSION_MISMATCH);
  if (third && fake_u32_or(fake_driver(), "mig_profile_version", 3) < 3)
    return fake_end(FAKE_VERSION_MISMATCH);
  nvml_ci_profile all;
  const char *name = "";
  NVML_TRY(ci_profile_of(&target, profile, &all, &name));
  // The third version is the second one with a word behind.
  nvml_ci_profile_v3 filled = {
    .version = info->version, .id = all.id, .slices = all.slices, .instances = all.instances,
    .sms = all.sms, .copy = all.copy, .decoder = all.decoder, .encoder = all.encoder,
    .jpeg = all.jpeg, .ofa = all.ofa,
  };
  ci_name(&target, &all, name, filled.name);
  memcpy(info, &filled, third ? sizeof(nvml_ci_profile_v3) : sizeof(nvml_ci_profile_v2));
  return fake_end(FAKE_SUCCESS);
}

/// The section of the compute instance with that id; NULL when there is none.
static const fake_section *compute_section(const fake_target *target, unsigned int id) {
  fake_name name = fake_named(
    "gpu gi ci ", (unsigned int[]){target->gpu, target->instance, id}, 3);
  return fake_file_section(fake_current(), name.text);
}

static nvml_placement placement_of(const fake_section *section) {
  nvml_placement place = {0, 1};
  const char *at = fake_text_or(section, "placement", "");
  (void)fake_pair_next(&at, 1, &place.start, &place.size);
  return place;
}

/// Compute slices that are free in a GPU instance.
static unsigned int free_slices(const fake_target *target, unsigned int whole) {
  unsigned int used = 0;
  for (unsigned int id = 0; id < FAKE_COMPUTE_INSTANCES; id++) {
    const fake_section *section = compute_section(target, id);
    if (section != NULL) used += placement_of(section).size;
  }
  return used < whole ? whole - used : 0;
}

NVML_LATER int nvmlGpuInstanceGetComputeInstanceRemainingCapacity(
  void *instance, unsigned int id, unsigned int *count) {
  fake_target target;
  int code = fake_begin_instance(
    "GpuInstanceGetComputeInstanceRemainingCapacity", instance, FAKE_GI, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(count != NULL);
  unsigned int number = 0;
  const fake_section *parent = fake_mig_profile_of(target.gpu, target.section, &number);
  for (unsigned int profile = 0; profile < CI_PROFILES; profile++) {
    nvml_ci_profile info;
    const char *name = "";
    if (ci_profile_of(&target, profile, &info, &name) != FAKE_SUCCESS || info.id != id) continue;
    *count = free_slices(&target, fake_u32_or(parent, "slices", 0)) / info.slices;
    return fake_end(FAKE_SUCCESS);
  }
  return fake_end(FAKE_INVALID_ARGUMENT);
}

NVML_LATER int nvmlGpuInstanceGetComputeInstancePossiblePlacements(
  void *instance, unsigned int id, nvml_placement *placements, unsigned int *count) {
  fake_target target;
  int code = fake_begin_instance(
    "GpuInstanceGetComputeInstancePossiblePlacements", instance, FAKE_GI, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(count != NULL);
  unsigned int number = 0;
  const fake_section *parent = fake_mig_profile_of(target.gpu, target.section, &number);
  unsigned int whole = fake_u32_or(parent, "slices", 0);
  for (unsigned int profile = 0; profile < CI_PROFILES; profile++) {
    nvml_ci_profile info;
    const char *name = "";
    if (ci_profile_of(&target, profile, &info, &name) != FAKE_SUCCESS || info.id != id) continue;
    unsigned int found = whole / info.slices;
    if (found > FAKE_PLACEMENTS) found = FAKE_PLACEMENTS;
    for (unsigned int place = 0; placements != NULL && place < found; place++)
      placements[place] = (nvml_placement){place * info.slices, info.slices};
    *count = found;
    return fake_end(FAKE_SUCCESS);
  }
  return fake_end(FAKE_INVALID_ARGUMENT);
}

NVML_LATER int nvmlGpuInstanceGetComputeInstances(
  void *instance, unsigned int id, void **instances, unsigned int *count) {
  fake_target target;
  int code = fake_begin_instance("GpuInstanceGetComputeInstances", instance, FAKE_GI, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(instances != NULL && count != NULL);
  unsigned int found = 0;
  for (unsigned int number = 0; number < FAKE_COMPUTE_INSTANCES; number++) {
    const fake_section *section = compute_section(&target, number);
    if (section == NULL || fake_u32_or(section, "profile", UINT_MAX) != id) continue;
    instances[found++] = fake_handle(FAKE_CI, target.gpu, target.instance, number);
  }
  *count = found;
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlGpuInstanceGetComputeInstanceById(
  void *instance, unsigned int id, void **compute) {
  fake_target target;
  int code = fake_begin_instance("GpuInstanceGetComputeInstanceById", instance, FAKE_GI, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(compute != NULL);
  if (id >= FAKE_COMPUTE_INSTANCES || compute_section(&target, id) == NULL)
    return fake_end(FAKE_NOT_FOUND);
  *compute = fake_handle(FAKE_CI, target.gpu, target.instance, id);
  return fake_end(FAKE_SUCCESS);
}

static int compute_info(const char *call, void *compute, nvml_ci *info) {
  fake_target target;
  int code = fake_begin_instance(call, compute, FAKE_CI, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(info != NULL);
  *info = (nvml_ci){
    .device = fake_handle(FAKE_GPU, target.gpu, 0, 0),
    .gi = fake_handle(FAKE_GI, target.gpu, target.instance, 0),
    .id = target.compute,
    .profile = fake_u32_or(target.section, "profile", 0),
    .placement = placement_of(target.section),
  };
  return fake_end(FAKE_SUCCESS);
}

/// The first version has no placement: 24 bytes.
NVML_LATER int nvmlComputeInstanceGetInfo(void *compute, nvml_ci *info) {
  nvml_ci all;
  int code = compute_info("ComputeInstanceGetInfo", compute, info == NULL ? NULL : &all);
  if (code == FAKE_SUCCESS) memcpy(info, &all, offsetof(nvml_ci, placement));
  return code;
}

NVML_LATER int nvmlComputeInstanceGetInfo_v2(void *compute, nvml_ci *info) {
  return compute_info("ComputeInstanceGetInfo_v2", compute, info);
}
