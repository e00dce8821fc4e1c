// One-line definitions of the calls that give one value of a device's section.
#pragma once

#include "fake_board.h"
#include "nvml_types.h"

#define NVML_U32(since, name, key) \
  since int nvmlDevice##name(void *device, unsigned int *number) { \
    return fake_device_u32(#name, device, key, number); \
  }
#define NVML_FLAG(since, name, key) \
  since int nvmlDevice##name(void *device, unsigned int *flag) { \
    return fake_device_flag(#name, device, key, flag); \
  }
#define NVML_U64(since, name, key) \
  since int nvmlDevice##name(void *device, fake_u64 *number) { \
    return fake_device_u64(#name, device, key, number); \
  }
#define NVML_TEXT(since, name, key) \
  since int nvmlDevice##name(void *device, char *text, unsigned int bytes) { \
    return fake_device_text(#name, device, key, text, bytes); \
  }

/// Begins a call and returns its code when there is nothing to answer.
#define NVML_BEGIN(begin, call, device) \
  fake_target target; \
  do { \
    int refusal = begin(call, device, &target); \
    if (refusal != FAKE_SUCCESS) return refusal; \
  } while (0)

/// Ends a call that got a null pointer.
#define NVML_NEED(pointers) \
  do { \
    if (!(pointers)) return fake_end(FAKE_INVALID_ARGUMENT); \
  } while (0)

/// Ends a call when `code` is not SUCCESS.
#define NVML_TRY(code) \
  do { \
    int failure = (code); \
    if (failure != FAKE_SUCCESS) return fake_end(failure); \
  } while (0)
