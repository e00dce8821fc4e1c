// A fake libnvidia-ml.so.1, driven by one text file, for machines without a GPU.
//
// The file is `fake_nvml.ini` beside the library, so that several copies can play several machines
// in one process; where there is none, FAKE_NVML_CONFIG names it. It is read again at every init.
//
//   [driver]
//   driver_version = 550.90.07
//   nvml_version   = 12.550.90.07
//   count          = 2              ; default: number of [gpu N] sections
//   init           = 9              ; NVML code of every init call; default 0
//   nvmlInitWithFlags = 13          ; NVML code of one call; also in [gpu N]
//
//   [gpu 0]
//   name           = NVIDIA H200
//   uuid           = GPU-00000000-0000-0000-0000-000000000000
//   memory_total   = 150754820096   ; bytes
//   memory_used    = 400000000      ; bytes, without the reserved ones
//   memory_reserved = 643825664     ; bytes
//   handle         = 15             ; NVML code of GetHandleByIndex
//   GetMemoryInfo_v2 = 3            ; NVML code of nvmlDeviceGetMemoryInfo_v2; also without _v2
//   GetName        = 0
//   GetUUID        = 0
//
// Unknown keys are kept and ignored: the next calls to be faked find them.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes of one value, terminator included.
#define FAKE_NVML_TEXT 256
/// Keys of one section, and GPUs of one machine, that are kept; the rest is ignored.
#define FAKE_NVML_KEYS 48
#define FAKE_NVML_GPUS 64

typedef void *nvmlDevice_t;
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
typedef struct {
  unsigned int version;
  unsigned long long total, reserved, free, used;
} nvmlMemory_v2_t;

int nvmlInitWithFlags(unsigned int flags);
int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlSystemGetDriverVersion(char *text, unsigned int bytes);
int nvmlSystemGetNVMLVersion(char *text, unsigned int bytes);
int nvmlDeviceGetCount_v2(unsigned int *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device);
int nvmlDeviceGetName(nvmlDevice_t device, char *text, unsigned int bytes);
int nvmlDeviceGetUUID(nvmlDevice_t device, char *text, unsigned int bytes);
int nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory);
int nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory);

#ifdef __cplusplus
}
#endif
