// Proof that our declarations equal NVIDIA's, for machines where its header is installed:
//   swift build --target CNVML -Xcc -DCNVML_ABI_CHECK [-Xcc -I/path/to/include]
// Never part of an ordinary build: the product needs no header, and a stray one must not break it.
#if defined(CNVML_ABI_CHECK) && __has_include(<nvml.h>)

#include <nvml.h>

#include "cnvml.h"

#define SAME(field, type, ours) \
  _Static_assert(offsetof(type, field) == offsetof(ours, field), "offset of " #field)

_Static_assert(sizeof(nvmlMemory_t) == sizeof(cnvml_memory_v1), "size of memory v1");
SAME(total, nvmlMemory_t, cnvml_memory_v1);
SAME(free, nvmlMemory_t, cnvml_memory_v1);
SAME(used, nvmlMemory_t, cnvml_memory_v1);

_Static_assert(sizeof(nvmlMemory_v2_t) == sizeof(cnvml_memory_v2), "size of memory v2");
SAME(version, nvmlMemory_v2_t, cnvml_memory_v2);
SAME(total, nvmlMemory_v2_t, cnvml_memory_v2);
SAME(reserved, nvmlMemory_v2_t, cnvml_memory_v2);
SAME(free, nvmlMemory_v2_t, cnvml_memory_v2);
SAME(used, nvmlMemory_v2_t, cnvml_memory_v2);
_Static_assert((unsigned int)nvmlMemory_v2 == CNVML_MEMORY_V2, "version word of memory v2");

_Static_assert(sizeof(nvmlDevice_t) == sizeof(cnvml_device), "size of a handle");
_Static_assert(sizeof(nvmlReturn_t) == sizeof(int), "size of a return code");
_Static_assert(NVML_INIT_FLAG_NO_GPUS == CNVML_INIT_NO_GPUS, "flag of init");
_Static_assert(NVML_DEVICE_NAME_V2_BUFFER_SIZE < CNVML_NAME_BYTES, "name buffer");
_Static_assert(NVML_DEVICE_UUID_V2_BUFFER_SIZE < CNVML_UUID_BYTES, "UUID buffer");
_Static_assert(NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE < CNVML_VERSION_BYTES, "version buffer");

#endif
