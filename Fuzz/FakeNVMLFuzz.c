// Any bytes as the file of the fake NVML, and then every kind of call: nothing may crash, and no
// buffer of a caller may be written beyond its end (the address sanitizer watches).
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int plain_call(void *handle, void *output);
typedef int indexed_call(void *handle, unsigned int index, void *output);
typedef int text_call(void *handle, char *text, unsigned int bytes);
typedef int list_call(void *handle, unsigned int *count, void *entries);

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned int *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device);
int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned int index, void **mig);
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device);
int nvmlDeviceGetHandleByPciBusId_v2(const char *text, void **device);
int nvmlDeviceGetGpuInstances(void *device, unsigned int id, void **all, unsigned int *count);
int nvmlDeviceGetGpuInstancePossiblePlacements_v2(
  void *device, unsigned int id, void *places, unsigned int *count);
int nvmlDeviceGetGpuInstanceById(void *device, unsigned int id, void **instance);
int nvmlGpuInstanceGetInfo(void *instance, void *info);
int nvmlGpuInstanceGetComputeInstanceProfileInfoV(
  void *instance, unsigned int profile, unsigned int engine, void *info);
int nvmlGpuInstanceGetComputeInstanceById(void *instance, unsigned int id, void **compute);
int nvmlComputeInstanceGetInfo_v2(void *compute, void *info);
int nvmlDeviceGetFieldValues(void *device, int count, void *fields);
int nvmlDeviceGetP2PStatus(void *first, void *second, int index, void *status);
int nvmlDeviceGetTopologyCommonAncestor(void *first, void *second, void *level);
int nvmlDeviceGetCpuAffinity(void *device, unsigned int words, unsigned long *set);
int nvmlDeviceGetProcessUtilization(
  void *device, void *samples, unsigned int *count, unsigned long long since);
int nvmlDeviceGetRetiredPages_v2(
  void *device, int cause, unsigned int *count, void *addresses, void *times);
int nvmlDeviceGetTotalEccErrors(void *device, int error, int counter, void *count);
int nvmlSystemGetProcessName(unsigned int pid, char *name, unsigned int bytes);
int nvmlSystemGetDriverVersion(char *text, unsigned int bytes);
int nvmlSystemGetCudaDriverVersion_v2(void *version);
int nvmlEventSetCreate(void **set);
int nvmlEventSetFree(void *set);
int nvmlDeviceRegisterEvents(void *device, unsigned long long types, void *set);
int nvmlEventSetWait_v2(void *set, void *event, unsigned int timeout_ms);

/// Calls with one output: its size, and the version word that it begins with, or 0.
#define PLAIN(X) \
  X(nvmlDeviceGetMemoryInfo, 24, 0) X(nvmlDeviceGetMemoryInfo_v2, 40, 0x02000028) \
  X(nvmlDeviceGetBAR1MemoryInfo, 24, 0) X(nvmlDeviceGetPciInfo_v3, 68, 0) \
  X(nvmlDeviceGetPciInfo, 52, 0) X(nvmlDeviceGetPciInfoExt, 64, 0x01000040) \
  X(nvmlDeviceGetUtilizationRates, 8, 0) X(nvmlDeviceGetPowerUsage, 4, 0) \
  X(nvmlDeviceGetAttributes_v2, 40, 0) X(nvmlDeviceGetArchitecture, 4, 0) \
  X(nvmlDeviceGetCurrentClocksEventReasons, 8, 0) X(nvmlDeviceGetRowRemapperHistogram, 20, 0) \
  X(nvmlDeviceGetGpuFabricInfoV, 40, 0x03000028) X(nvmlDeviceGetPlatformInfo, 44, 0x0200002c) \
  X(nvmlDeviceGetSramEccErrorStatus, 104, 0x01000068) X(nvmlDeviceGetSupportedEventTypes, 8, 0) \
  X(nvmlDeviceGetMaxMigDeviceCount, 4, 0) X(nvmlDeviceGetGpuInstanceId, 4, 0) \
  X(nvmlDeviceGetMarginTemperature, 8, 0x01000008) X(nvmlDeviceGetPersistenceMode, 4, 0)
#define INDEXED(X) \
  X(nvmlDeviceGetTemperature, 4, 0) X(nvmlDeviceGetTemperatureThreshold, 4, 0) \
  X(nvmlDeviceGetClockInfo, 4, 0) X(nvmlDeviceGetNvLinkState, 4, 0) \
  X(nvmlDeviceGetNvLinkVersion, 4, 0) X(nvmlDeviceGetNvLinkRemoteDeviceType, 4, 0) \
  X(nvmlDeviceGetNvLinkRemotePciInfo_v2, 68, 0) X(nvmlDeviceGetViolationStatus, 16, 0) \
  X(nvmlDeviceGetGpuInstanceProfileInfo, 48, 0) X(nvmlDeviceGetAccountingStats, 56, 0) \
  X(nvmlDeviceGetGpuInstanceProfileInfoV, 152, 0x03000098) \
  X(nvmlDeviceGetGpuInstanceRemainingCapacity, 4, 0)
#define TEXTS(X) \
  X(nvmlDeviceGetName) X(nvmlDeviceGetUUID) X(nvmlDeviceGetSerial) X(nvmlDeviceGetVbiosVersion)
#define LISTS(X) \
  X(nvmlDeviceGetComputeRunningProcesses_v3) X(nvmlDeviceGetGraphicsRunningProcesses) \
  X(nvmlDeviceGetMPSComputeRunningProcesses_v2) X(nvmlDeviceGetAccountingPids) \
  X(nvmlDeviceGetSupportedMemoryClocks)

#define DECLARE_PLAIN(name, bytes, version) plain_call name;
#define DECLARE_INDEXED(name, bytes, version) indexed_call name;
#define DECLARE_TEXT(name) text_call name;
#define DECLARE_LIST(name) list_call name;
PLAIN(DECLARE_PLAIN)
INDEXED(DECLARE_INDEXED)
TEXTS(DECLARE_TEXT)
LISTS(DECLARE_LIST)

/// An output of exactly that size on the heap, so that one byte too many is seen.
static void *output(size_t bytes, unsigned int version) {
  unsigned char *memory = malloc(bytes);
  if (memory == NULL) abort();
  memset(memory, 0xA5, bytes);
  if (version != 0) memcpy(memory, &version, sizeof version);
  return memory;
}

static void list(list_call *call, void *device) {
  unsigned int count = 0;
  if (call(device, &count, NULL) != 7 || count > 4096) return;
  void *entries = output((size_t)count * 32 + 1, 0);
  (void)call(device, &count, entries);
  free(entries);
}

static void instances(void *device, void *first) {
  void *instance = NULL;
  void *info = output(32, 0);
  (void)nvmlDeviceGetP2PStatus(device, first, 2, info);
  (void)nvmlDeviceGetTopologyCommonAncestor(first, device, info);
  (void)nvmlDeviceGetTotalEccErrors(device, 1, 0, info);
  free(info);
  for (unsigned int id = 0; id < 16; id++) {
    unsigned int count = 0;
    if (nvmlDeviceGetGpuInstancePossiblePlacements_v2(device, id, NULL, &count) == 0) {
      void *places = output((size_t)count * 8 + 1, 0);
      (void)nvmlDeviceGetGpuInstancePossiblePlacements_v2(device, id, places, &count);
      free(places);
    }
    void *all[64];
    (void)nvmlDeviceGetGpuInstances(device, id, all, &count);
    if (nvmlDeviceGetGpuInstanceById(device, id, &instance) != 0) continue;
    info = output(24, 0);
    (void)nvmlGpuInstanceGetInfo(instance, info);
    free(info);
    for (unsigned int profile = 0; profile < 9; profile++) {
      info = output(140, 0x0300008c);
      (void)nvmlGpuInstanceGetComputeInstanceProfileInfoV(instance, profile, 0, info);
      free(info);
    }
    void *compute = NULL;
    if (nvmlGpuInstanceGetComputeInstanceById(instance, 0, &compute) != 0) continue;
    info = output(32, 0);
    (void)nvmlComputeInstanceGetInfo_v2(compute, info);
    free(info);
  }
}

static void ask(void *device, void *first) {
#define ASK_PLAIN(name, bytes, version) \
  { void *memory = output(bytes, version); (void)name(device, memory); free(memory); }
#define ASK_INDEXED(name, bytes, version) \
  for (unsigned int index = 0; index < 4; index++) { \
    void *memory = output(bytes, version); \
    (void)name(device, index, memory); \
    free(memory); \
  }
#define ASK_TEXT(name) \
  for (unsigned int bytes = 0; bytes < 97; bytes += 32) { \
    char *memory = output(bytes + 1, 0); \
    (void)name(device, memory, bytes); \
    free(memory); \
  }
#define ASK_LIST(name) list(name, device);
  PLAIN(ASK_PLAIN)
  INDEXED(ASK_INDEXED)
  TEXTS(ASK_TEXT)
  LISTS(ASK_LIST)
  instances(device, first);
  unsigned char *fields = output(40 * 8, 0);
  const unsigned int ids[8] = {2, 5, 17, 91, 90, 164, 186, 999};
  for (size_t index = 0; index < 8; index++) memcpy(fields + 40 * index, &ids[index], 4);
  (void)nvmlDeviceGetFieldValues(device, 8, fields);
  free(fields);
  unsigned long *set = output(2 * sizeof *set, 0);
  (void)nvmlDeviceGetCpuAffinity(device, 2, set);
  free(set);
  unsigned int count = 0;
  if (nvmlDeviceGetProcessUtilization(device, NULL, &count, 0) == 7 && count < 4096) {
    void *samples = output((size_t)count * 32, 0);
    (void)nvmlDeviceGetProcessUtilization(device, samples, &count, 0);
    free(samples);
  }
  count = 8;
  void *pages = output(64, 0);
  void *times = output(64, 0);
  (void)nvmlDeviceGetRetiredPages_v2(device, 0, &count, pages, times);
  free(pages);
  free(times);
}

static void wait_for_events(void *device) {
  void *set = NULL;
  if (nvmlEventSetCreate(&set) != 0) return;
  (void)nvmlDeviceRegisterEvents(device, 8, set);
  void *event = output(32, 0);
  for (int round = 0; round < 3; round++) (void)nvmlEventSetWait_v2(set, event, 0);
  free(event);
  (void)nvmlEventSetFree(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int file = -1;
  if (file < 0) {
    file = memfd_create("fake_nvml", 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    setenv("FAKE_NVML_CONFIG", path, 1);
    setenv("FAKE_NVML_LOG", "/dev/null", 1);
  }
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size) return 0;
  if (nvmlInit_v2() != 0) return 0;
  char text[80];
  unsigned int count = 0;
  void *device = NULL;
  void *first = NULL;
  void *version = output(4, 0);
  (void)nvmlSystemGetDriverVersion(text, sizeof text);
  (void)nvmlSystemGetCudaDriverVersion_v2(version);
  free(version);
  (void)nvmlSystemGetProcessName(1, text, 3);
  (void)nvmlDeviceGetHandleByUUID("GPU-a", &device);
  (void)nvmlDeviceGetHandleByPciBusId_v2("0000:01:00.0", &device);
  (void)nvmlDeviceGetCount_v2(&count);
  for (unsigned int index = 0; index < 3 && index < count; index++) {
    if (nvmlDeviceGetHandleByIndex_v2(index, &device) != 0) continue;
    if (first == NULL) first = device;
    ask(device, first);
    void *mig = NULL;
    for (unsigned int instance = 0; instance < 3; instance++)
      if (nvmlDeviceGetMigDeviceHandleByIndex(device, instance, &mig) == 0) ask(mig, first);
  }
  if (first != NULL) wait_for_events(first);
  (void)nvmlShutdown();
  return 0;
}
