#define _GNU_SOURCE
#include "fake_nvml.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_config.h"

enum {
  SUCCESS = 0,
  UNINITIALIZED = 1,
  INVALID_ARGUMENT = 2,
  INSUFFICIENT_SIZE = 7,
  DRIVER_NOT_LOADED = 9,
  ARGUMENT_VERSION_MISMATCH = 25,
};

#define MEMORY_V2 0x02000028u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static fake_machine machine;
static unsigned int users;

/// The configuration's path: beside this library when there is one, else the environment's.
static void find_config(char *path, size_t bytes) {
  Dl_info self;
  path[0] = '\0';
  if (dladdr((void *)(uintptr_t)&nvmlShutdown, &self) != 0) {
    const char *slash = strrchr(self.dli_fname, '/');
    int directory = slash == NULL ? 0 : (int)(slash - self.dli_fname + 1);
    snprintf(path, bytes, "%.*sfake_nvml.ini", directory, self.dli_fname);
    if (access(path, R_OK) == 0) return;
  }
  const char *named = getenv("FAKE_NVML_CONFIG");
  snprintf(path, bytes, "%s", named != NULL ? named : "");
}

/// A machine without a configuration is one without a driver.
static int init(const char *call) {
  char path[4096];
  find_config(path, sizeof path);
  pthread_mutex_lock(&lock);
  int code = DRIVER_NOT_LOADED;
  if (fake_read(path, &machine))
    code = (int)fake_number(&machine.driver, call, fake_number(&machine.driver, "init", 0));
  if (code == SUCCESS) users++;
  pthread_mutex_unlock(&lock);
  return code;
}

int nvmlInitWithFlags(unsigned int flags) {
  (void)flags;
  return init("nvmlInitWithFlags");
}

int nvmlInit_v2(void) { return init("nvmlInit_v2"); }

int nvmlShutdown(void) {
  pthread_mutex_lock(&lock);
  int code = users > 0 ? SUCCESS : UNINITIALIZED;
  if (users > 0) users--;
  pthread_mutex_unlock(&lock);
  return code;
}

/// The code that the configuration gives to a call, or 0.
static int scripted(const fake_section *section, const char *call) {
  if (users == 0) return UNINITIALIZED;
  return (int)fake_number(section, call, SUCCESS);
}

static int copy(const char *value, char *text, unsigned int bytes) {
  if (strlen(value) >= bytes) return INSUFFICIENT_SIZE;
  memcpy(text, value, strlen(value) + 1);
  return SUCCESS;
}

int nvmlSystemGetDriverVersion(char *text, unsigned int bytes) {
  int code = scripted(&machine.driver, "SystemGetDriverVersion");
  if (code != SUCCESS) return code;
  return copy(fake_text(&machine.driver, "driver_version", "550.90.07"), text, bytes);
}

int nvmlSystemGetNVMLVersion(char *text, unsigned int bytes) {
  int code = scripted(&machine.driver, "SystemGetNVMLVersion");
  if (code != SUCCESS) return code;
  return copy(fake_text(&machine.driver, "nvml_version", "12.550.90.07"), text, bytes);
}

int nvmlDeviceGetCount_v2(unsigned int *count) {
  int code = scripted(&machine.driver, "GetCount");
  if (code != SUCCESS) return code;
  unsigned int found = 0;
  for (unsigned int index = 0; index < FAKE_NVML_GPUS; index++)
    if (machine.gpus[index].exists) found = index + 1;
  *count = (unsigned int)fake_number(&machine.driver, "count", found);
  return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) {
  if (users == 0) return UNINITIALIZED;
  if (index >= FAKE_NVML_GPUS || !machine.gpus[index].exists) return INVALID_ARGUMENT;
  int code = scripted(&machine.gpus[index], "handle");
  if (code == SUCCESS) *device = &machine.gpus[index];
  return code;
}

int nvmlDeviceGetName(nvmlDevice_t device, char *text, unsigned int bytes) {
  int code = scripted(device, "GetName");
  return code != SUCCESS ? code : copy(fake_text(device, "name", "NVIDIA Fake"), text, bytes);
}

int nvmlDeviceGetUUID(nvmlDevice_t device, char *text, unsigned int bytes) {
  int code = scripted(device, "GetUUID");
  if (code != SUCCESS) return code;
  char otherwise[64];
  unsigned int index = (unsigned int)((fake_section *)device - machine.gpus);
  snprintf(otherwise, sizeof otherwise, "GPU-00000000-0000-0000-0000-%012u", index);
  return copy(fake_text(device, "uuid", otherwise), text, bytes);
}

int nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
  int code = scripted(device, "GetMemoryInfo_v2");
  if (code != SUCCESS) return code;
  if (memory->version != MEMORY_V2) return ARGUMENT_VERSION_MISMATCH;
  memory->total = fake_number(device, "memory_total", 0);
  memory->reserved = fake_number(device, "memory_reserved", 0);
  memory->used = fake_number(device, "memory_used", 0);
  memory->free = memory->total - memory->reserved - memory->used;
  return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
  int code = scripted(device, "GetMemoryInfo");
  if (code != SUCCESS) return code;
  memory->total = fake_number(device, "memory_total", 0);
  memory->used = fake_number(device, "memory_used", 0) + fake_number(device, "memory_reserved", 0);
  memory->free = memory->total - memory->used;
  return SUCCESS;
}
