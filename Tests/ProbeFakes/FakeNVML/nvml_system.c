// Init, versions, counting and handles.
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake_board.h"
#include "nvml_types.h"

NVML_2018 int nvmlInit(void) { return fake_start("Init"); }
NVML_2018 int nvmlInit_v2(void) { return fake_start("Init_v2"); }
NVML_2018 int nvmlShutdown(void) { return fake_stop(); }
NVML_2018 const char *nvmlErrorString(int code) { return fake_code_text(code); }

NVML_LATER int nvmlInitWithFlags(unsigned int flags) {
  (void)flags;
  return fake_start("InitWithFlags");
}

static int version_text(
  const char *call, const char *key, const char *otherwise, char *text, unsigned int bytes) {
  int code = fake_begin_system(call);
  if (code != FAKE_SUCCESS) return code;
  const char *value = fake_section_value(fake_driver(), key);
  if (value == NULL) value = otherwise;
  code = fake_value_code(value);
  if (code == FAKE_SUCCESS) code = fake_copy(fake_driver(), value, text, bytes);
  return fake_end(code);
}

NVML_2018 int nvmlSystemGetDriverVersion(char *text, unsigned int bytes) {
  return version_text("SystemGetDriverVersion", "driver_version", "550.90.07", text, bytes);
}

NVML_2018 int nvmlSystemGetNVMLVersion(char *text, unsigned int bytes) {
  return version_text("SystemGetNVMLVersion", "nvml_version", "12.550.90.07", text, bytes);
}

/// 12040 for `cuda_version = 12.4`.
static int cuda_version(const char *call, int *version) {
  int code = fake_begin_system(call);
  if (code != FAKE_SUCCESS) return code;
  int major = 0;
  int minor = 0;
  if (version == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  code = fake_read_dotted(fake_driver(), "cuda_version", &major, &minor);
  if (code == FAKE_SUCCESS) *version = major * 1000 + minor * 10;
  return fake_end(code);
}

NVML_2018 int nvmlSystemGetCudaDriverVersion(int *version) {
  return cuda_version("SystemGetCudaDriverVersion", version);
}

NVML_LATER int nvmlSystemGetCudaDriverVersion_v2(int *version) {
  return cuda_version("SystemGetCudaDriverVersion_v2", version);
}

NVML_LATER int nvmlSystemGetDriverBranch(nvml_branch *branch, unsigned int bytes) {
  int code = fake_begin_system("SystemGetDriverBranch");
  if (code != FAKE_SUCCESS) return code;
  if (branch == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  if (branch->version != NVML_VERSION(nvml_branch, 1u)) return fake_end(FAKE_VERSION_MISMATCH);
  const char *value = fake_section_value(fake_driver(), "driver_branch");
  code = fake_value_code(value);
  if (bytes > sizeof branch->branch) bytes = sizeof branch->branch;
  if (code == FAKE_SUCCESS) code = fake_copy(fake_driver(), value, branch->branch, bytes);
  return fake_end(code);
}

/// The name of a process of the file, else that of the running machine's process.
NVML_2018 int nvmlSystemGetProcessName(unsigned int pid, char *name, unsigned int bytes) {
  int code = fake_begin_system("SystemGetProcessName");
  if (code != FAKE_SUCCESS) return code;
  if (name == NULL || bytes == 0) return fake_end(FAKE_INVALID_ARGUMENT);
  unsigned int gpus = fake_gpu_count();
  for (unsigned int gpu = 0; gpu < gpus && gpu < FAKE_GPUS; gpu++) {
    unsigned int number = 0;
    const fake_section *section = NULL;
    while ((section = fake_gpu_parts(gpu, "process", section, &number)) != NULL) {
      const char *text = fake_text_or(section, "name", NULL);
      if (text == NULL || fake_u32_or(section, "pid", 0) != pid) continue;
      snprintf(name, bytes, "%s", text);
      return fake_end(FAKE_SUCCESS);
    }
  }
  char path[64];
  char link[512];
  snprintf(path, sizeof path, "/proc/%u/comm", pid);
  FILE *file = fopen(path, "re");
  if (file == NULL) return fake_end(FAKE_NOT_FOUND);
  code = fgets(link, sizeof link, file) == NULL ? FAKE_NOT_FOUND : FAKE_SUCCESS;
  fclose(file);
  link[strcspn(link, "\n")] = '\0';
  if (code == FAKE_SUCCESS) snprintf(name, bytes, "%s", link);
  return fake_end(code);
}

// MARK: - Counting

static int count_devices(const char *call, unsigned int *count) {
  int code = fake_begin_system(call);
  if (code != FAKE_SUCCESS) return code;
  // Both calls also answer to the script GetCount.
  if (strcmp(call, "GetCount") != 0) code = fake_run_script(fake_driver(), "GetCount");
  if (code != FAKE_SUCCESS) return fake_end(code);
  if (count == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  *count = fake_gpu_count();
  return fake_end(FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceGetCount(unsigned int *count) { return count_devices("GetCount", count); }

NVML_2018 int nvmlDeviceGetCount_v2(unsigned int *count) {
  return count_devices("GetCount_v2", count);
}

// MARK: - Handles

/// Gives the handle of a GPU unless its scripts refuse it: `handle`, or the call's own name.
static int give_gpu(const char *call, unsigned int gpu, void **device) {
  if (device == NULL) return FAKE_INVALID_ARGUMENT;
  int code = fake_run_script(fake_gpu_section(gpu), "handle");
  if (code == FAKE_SUCCESS) code = fake_run_script(fake_gpu_section(gpu), call);
  if (code == FAKE_SUCCESS) *device = fake_handle(FAKE_GPU, gpu, 0, 0);
  return code;
}

static int by_index(const char *call, unsigned int index, void **device) {
  int code = fake_begin_system(call);
  if (code != FAKE_SUCCESS) return code;
  if (index >= FAKE_GPUS || fake_gpu_section(index) == NULL)
    return fake_end(FAKE_INVALID_ARGUMENT);
  return fake_end(give_gpu(call, index, device));
}

NVML_2018 int nvmlDeviceGetHandleByIndex(unsigned int index, void **device) {
  return by_index("GetHandleByIndex", index, device);
}

NVML_2018 int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
  return by_index("GetHandleByIndex_v2", index, device);
}

/// The handle of the GPU or MIG device with that UUID.
static int by_uuid(const char *call, const char *uuid, void **device) {
  int code = fake_begin_system(call);
  if (code != FAKE_SUCCESS) return code;
  if (uuid == NULL || device == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  for (unsigned int gpu = 0; gpu < FAKE_GPUS; gpu++) {
    if (fake_gpu_section(gpu) == NULL) continue;
    char text[FAKE_UUID_BYTES];
    if (fake_board_uuid(gpu, text) == FAKE_SUCCESS && strcmp(text, uuid) == 0)
      return fake_end(give_gpu(call, gpu, device));
    unsigned int index = 0;
    const fake_section *section = NULL;
    while ((section = fake_gpu_parts(gpu, "mig", section, &index)) != NULL) {
      if (index >= FAKE_MIG_DEVICES || fake_mig_uuid(gpu, index, text) != FAKE_SUCCESS) continue;
      if (strcmp(text, uuid) != 0) continue;
      code = fake_run_script(section, "handle");
      if (code != FAKE_SUCCESS) return fake_end(code);
      *device = fake_handle(FAKE_MIG, gpu, index, 0);
      return fake_end(FAKE_SUCCESS);
    }
  }
  return fake_end(FAKE_NOT_FOUND);
}

NVML_2018 int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
  return by_uuid("GetHandleByUUID", uuid, device);
}

NVML_LATER int nvmlDeviceGetHandleByUUIDV(const nvml_uuid *uuid, void **device) {
  if (uuid == NULL) return by_uuid("GetHandleByUUIDV", NULL, device);
  char text[42];
  snprintf(text, sizeof text, "%.41s", uuid->id.text);
  if (uuid->version == NVML_VERSION(nvml_uuid, 1u) && uuid->type == 1)
    return by_uuid("GetHandleByUUIDV", text, device);
  int code = fake_begin_system("GetHandleByUUIDV");
  if (code != FAKE_SUCCESS) return code;
  int known = uuid->version == NVML_VERSION(nvml_uuid, 1u);
  return fake_end(known ? FAKE_NOT_SUPPORTED : FAKE_VERSION_MISMATCH);
}

NVML_2018 int nvmlDeviceGetHandleBySerial(const char *serial, void **device) {
  int code = fake_begin_system("GetHandleBySerial");
  if (code != FAKE_SUCCESS) return code;
  if (serial == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  for (unsigned int gpu = 0; gpu < FAKE_GPUS; gpu++) {
    const char *text = fake_text_or(fake_gpu_section(gpu), "serial", NULL);
    if (text != NULL && strcmp(text, serial) == 0)
      return fake_end(give_gpu("GetHandleBySerial", gpu, device));
  }
  return fake_end(FAKE_NOT_FOUND);
}

static int by_bus(const char *call, const char *text, void **device) {
  int code = fake_begin_system(call);
  if (code != FAKE_SUCCESS) return code;
  fake_bus wanted;
  if (text == NULL || !fake_bus_parse(text, &wanted)) return fake_end(FAKE_INVALID_ARGUMENT);
  for (unsigned int gpu = 0; gpu < FAKE_GPUS; gpu++) {
    fake_bus bus;
    if (fake_gpu_section(gpu) == NULL || fake_board_bus(gpu, &bus) != FAKE_SUCCESS) continue;
    if (bus.domain == wanted.domain && bus.bus == wanted.bus && bus.device == wanted.device)
      return fake_end(give_gpu(call, gpu, device));
  }
  return fake_end(FAKE_NOT_FOUND);
}

NVML_2018 int nvmlDeviceGetHandleByPciBusId(const char *text, void **device) {
  return by_bus("GetHandleByPciBusId", text, device);
}

NVML_2018 int nvmlDeviceGetHandleByPciBusId_v2(const char *text, void **device) {
  return by_bus("GetHandleByPciBusId_v2", text, device);
}
