#include "cnvml.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(cnvml_memory_v1) == 24, "NVML ABI: memory v1");
_Static_assert(sizeof(cnvml_memory_v2) == 40, "NVML ABI: memory v2");
_Static_assert(offsetof(cnvml_memory_v2, total) == 8, "NVML ABI: memory v2 total");
_Static_assert((CNVML_MEMORY_V2 & 0xffffffu) == sizeof(cnvml_memory_v2), "NVML ABI: version word");

struct cnvml_library {
  int (*init_with_flags)(unsigned int);
  int (*init_v2)(void);
  int (*init)(void);
  int (*shutdown)(void);
  int (*driver_version)(char *, unsigned int);
  int (*nvml_version)(char *, unsigned int);
  int (*device_count)(unsigned int *);
  int (*device_by_index)(unsigned int, cnvml_device *);
  int (*device_name)(cnvml_device, char *, unsigned int);
  int (*device_uuid)(cnvml_device, char *, unsigned int);
  int (*device_memory_v1)(cnvml_device, cnvml_memory_v1 *);
  int (*device_memory_v2)(cnvml_device, cnvml_memory_v2 *);
};

/// dlsym gives a data pointer; POSIX promises that it may be copied into a function pointer.
static void find(void *handle, const char *symbol, void *slot) {
  void *address = dlsym(handle, symbol);
  memcpy(slot, &address, sizeof address);
}

cnvml_library *cnvml_open(const char *path, char *error, size_t error_bytes) {
  if (error_bytes > 0) error[0] = '\0';
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) {
    const char *words = dlerror();
    snprintf(error, error_bytes, "%s", words != NULL ? words : "unknown loader error");
    return NULL;
  }
  cnvml_library *library = calloc(1, sizeof *library);
  if (library == NULL) {
    snprintf(error, error_bytes, "out of memory");
    return NULL;
  }
  // Versioned names only: the unsuffixed symbol, where both exist, has the oldest layout.
  find(handle, "nvmlInitWithFlags", &library->init_with_flags);
  find(handle, "nvmlInit_v2", &library->init_v2);
  find(handle, "nvmlInit", &library->init);
  find(handle, "nvmlShutdown", &library->shutdown);
  find(handle, "nvmlSystemGetDriverVersion", &library->driver_version);
  find(handle, "nvmlSystemGetNVMLVersion", &library->nvml_version);
  find(handle, "nvmlDeviceGetCount_v2", &library->device_count);
  find(handle, "nvmlDeviceGetHandleByIndex_v2", &library->device_by_index);
  find(handle, "nvmlDeviceGetName", &library->device_name);
  find(handle, "nvmlDeviceGetUUID", &library->device_uuid);
  find(handle, "nvmlDeviceGetMemoryInfo", &library->device_memory_v1);
  find(handle, "nvmlDeviceGetMemoryInfo_v2", &library->device_memory_v2);
  return library;
}

void cnvml_forget(cnvml_library *library) { free(library); }

const char *cnvml_missing_symbol(const cnvml_library *library) {
  if (library->init_with_flags == NULL && library->init_v2 == NULL && library->init == NULL)
    return "nvmlInit_v2";
  if (library->shutdown == NULL) return "nvmlShutdown";
  if (library->device_count == NULL) return "nvmlDeviceGetCount_v2";
  if (library->device_by_index == NULL) return "nvmlDeviceGetHandleByIndex_v2";
  return NULL;
}

int cnvml_init_with_flags(const cnvml_library *library, unsigned int flags) {
  return library->init_with_flags ? library->init_with_flags(flags) : CNVML_NO_SYMBOL;
}

int cnvml_init_v2(const cnvml_library *library) {
  return library->init_v2 ? library->init_v2() : CNVML_NO_SYMBOL;
}

int cnvml_init(const cnvml_library *library) {
  return library->init ? library->init() : CNVML_NO_SYMBOL;
}

int cnvml_shutdown(const cnvml_library *library) {
  return library->shutdown ? library->shutdown() : CNVML_NO_SYMBOL;
}

/// Runs a system-wide text call; the last byte stays zero whatever the library writes.
static int system_text(int (*call)(char *, unsigned int), char *text, unsigned int bytes) {
  memset(text, 0, bytes);
  if (call == NULL || bytes < 2) return CNVML_NO_SYMBOL;
  return call(text, bytes - 1);
}

/// As system_text, for a call that asks a device.
static int device_text(
  int (*call)(cnvml_device, char *, unsigned int), cnvml_device device, char *text,
  unsigned int bytes) {
  memset(text, 0, bytes);
  if (call == NULL || bytes < 2) return CNVML_NO_SYMBOL;
  return call(device, text, bytes - 1);
}

int cnvml_driver_version(const cnvml_library *library, char *text, unsigned int bytes) {
  return system_text(library->driver_version, text, bytes);
}

int cnvml_nvml_version(const cnvml_library *library, char *text, unsigned int bytes) {
  return system_text(library->nvml_version, text, bytes);
}

int cnvml_device_count(const cnvml_library *library, unsigned int *count) {
  *count = 0;
  return library->device_count ? library->device_count(count) : CNVML_NO_SYMBOL;
}

int cnvml_device_by_index(
  const cnvml_library *library, unsigned int index, cnvml_device *device) {
  *device = NULL;
  return library->device_by_index ? library->device_by_index(index, device) : CNVML_NO_SYMBOL;
}

int cnvml_device_name(
  const cnvml_library *library, cnvml_device device, char *text, unsigned int bytes) {
  return device_text(library->device_name, device, text, bytes);
}

int cnvml_device_uuid(
  const cnvml_library *library, cnvml_device device, char *text, unsigned int bytes) {
  return device_text(library->device_uuid, device, text, bytes);
}

int cnvml_device_memory_v1(
  const cnvml_library *library, cnvml_device device, cnvml_memory_v1 *memory) {
  memset(memory, 0, sizeof *memory);
  return library->device_memory_v1 ? library->device_memory_v1(device, memory) : CNVML_NO_SYMBOL;
}

int cnvml_device_memory_v2(
  const cnvml_library *library, cnvml_device device, cnvml_memory_v2 *memory) {
  memset(memory, 0, sizeof *memory);
  memory->version = CNVML_MEMORY_V2;
  return library->device_memory_v2 ? library->device_memory_v2(device, memory) : CNVML_NO_SYMBOL;
}
