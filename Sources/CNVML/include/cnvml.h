// CNVML: our own minimal declaration of the NVML calls that the probe makes.
//
// No NVIDIA header is used and nothing is linked: the library is opened at run time, every symbol
// is looked up by its versioned name, and every return code comes back unchanged. There is no
// policy here: which path to open, what a code means and what to do about it is Swift's business.
#pragma once

#include <stddef.h>

#include "cnvml_structs.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Returned by a call whose symbol the opened library does not have. NVML codes are never negative.
#define CNVML_NO_SYMBOL (-1)

/// Bytes of the text buffers: what NVML asks for and one more, which stays zero whatever it writes.
#define CNVML_NAME_BYTES 97u
#define CNVML_UUID_BYTES 97u
#define CNVML_VERSION_BYTES 81u

/// An opened library and its symbols.
typedef struct cnvml_library cnvml_library;

/// Opens `path` (or a plain soname) with RTLD_NOW | RTLD_LOCAL. NULL on failure, with the loader's
/// words in `error`. The library itself is never closed: threads of the driver may live in it.
cnvml_library *cnvml_open(const char *path, char *error, size_t error_bytes);

/// Frees the symbol table, not the library.
void cnvml_forget(cnvml_library *library);

/// The first symbol without which nothing works and which is missing; NULL when all are there.
const char *cnvml_missing_symbol(const cnvml_library *library);

/// The name of the symbol at a position among all that are looked up; NULL behind the last.
const char *cnvml_symbol_name(size_t position);

int cnvml_init_with_flags(const cnvml_library *library, unsigned int flags);
int cnvml_init_v2(const cnvml_library *library);
int cnvml_init(const cnvml_library *library);
int cnvml_shutdown(const cnvml_library *library);
int cnvml_driver_version(const cnvml_library *library, char *text, unsigned int bytes);
int cnvml_nvml_version(const cnvml_library *library, char *text, unsigned int bytes);

/// 1000 times the major and 10 times the minor version: 12040 is 12.4.
int cnvml_cuda_version(const cnvml_library *library, int *version);
int cnvml_device_count(const cnvml_library *library, unsigned int *count);
int cnvml_device_by_index(const cnvml_library *library, unsigned int index, cnvml_device *device);

#ifdef __cplusplus
}
#endif
