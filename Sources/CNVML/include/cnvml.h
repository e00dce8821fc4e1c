// CNVML: our own minimal declaration of the NVML calls that the probe makes.
//
// No NVIDIA header is used and nothing is linked: the library is opened at run time, every symbol
// is looked up by its versioned name, and every return code comes back unchanged. There is no
// policy here: which path to open, what a code means and what to do about it is Swift's business.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Returned by a call whose symbol the opened library does not have. NVML codes are never negative.
#define CNVML_NO_SYMBOL (-1)

/// `flags` of cnvml_init_with_flags: succeed even when no GPU is bound to the driver.
#define CNVML_INIT_NO_GPUS 1u

/// Bytes of the text buffers: what NVML asks for and one more, which stays zero whatever it writes.
#define CNVML_NAME_BYTES 97u
#define CNVML_UUID_BYTES 97u
#define CNVML_VERSION_BYTES 81u

/// Version word of cnvml_memory_v2: size in the low 24 bits, version in the high 8.
#define CNVML_MEMORY_V2 0x02000028u

/// Answer of the first memory call. `used` includes what the driver keeps for itself. Bytes.
typedef struct {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
} cnvml_memory_v1;

/// Answer of the second memory call; `reserved` is the driver's own part. Bytes.
typedef struct {
  unsigned int version;
  unsigned long long total;
  unsigned long long reserved;
  unsigned long long free;
  unsigned long long used;
} cnvml_memory_v2;

/// A device as NVML names it inside one process: opaque, and stale after a reset.
typedef void *cnvml_device;

/// An opened library and its symbols.
typedef struct cnvml_library cnvml_library;

/// Opens `path` (or a plain soname) with RTLD_NOW | RTLD_LOCAL. NULL on failure, with the loader's
/// words in `error`. The library itself is never closed: threads of the driver may live in it.
cnvml_library *cnvml_open(const char *path, char *error, size_t error_bytes);

/// Frees the symbol table, not the library.
void cnvml_forget(cnvml_library *library);

/// The first symbol without which nothing works and which is missing; NULL when all are there.
const char *cnvml_missing_symbol(const cnvml_library *library);

// Every call sets its outputs to zero first, because NVML leaves them alone when it fails.
int cnvml_init_with_flags(const cnvml_library *library, unsigned int flags);
int cnvml_init_v2(const cnvml_library *library);
int cnvml_init(const cnvml_library *library);
int cnvml_shutdown(const cnvml_library *library);
int cnvml_driver_version(const cnvml_library *library, char *text, unsigned int bytes);
int cnvml_nvml_version(const cnvml_library *library, char *text, unsigned int bytes);
int cnvml_device_count(const cnvml_library *library, unsigned int *count);
int cnvml_device_by_index(const cnvml_library *library, unsigned int index, cnvml_device *device);
int cnvml_device_name(
  const cnvml_library *library, cnvml_device device, char *text, unsigned int bytes);
int cnvml_device_uuid(
  const cnvml_library *library, cnvml_device device, char *text, unsigned int bytes);
int cnvml_device_memory_v1(
  const cnvml_library *library, cnvml_device device, cnvml_memory_v1 *memory);
int cnvml_device_memory_v2(
  const cnvml_library *library, cnvml_device device, cnvml_memory_v2 *memory);

#ifdef __cplusplus
}
#endif
