// The machine that the fake plays: its file, its handles, and the script of every call.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fake_values.h"

// What each name of NVML is marked with: those of a library of 2018, and those that came later and
// that the product FakeNVML2018 therefore lacks.
#define NVML_2018 __attribute__((visibility("default")))
#ifdef FAKE_NVML_2018
#define NVML_LATER __attribute__((visibility("hidden")))
#else
#define NVML_LATER __attribute__((visibility("default")))
#endif

/// GPUs of a machine, MIG devices and GPU instances of a GPU, compute instances of one of those.
#define FAKE_GPUS 256u
#define FAKE_MIG_DEVICES 64u
#define FAKE_GPU_INSTANCES 64u
#define FAKE_COMPUTE_INSTANCES 16u

#pragma GCC visibility push(hidden)

/// What a handle stands for.
typedef enum { FAKE_GPU = 0, FAKE_MIG = 1, FAKE_GI = 2, FAKE_CI = 3 } fake_kind;

/// A handle that was looked up. Sections are valid while the lock is held.
typedef struct {
  fake_kind kind;
  unsigned int gpu;
  /// Index of the MIG device, or id of the GPU instance.
  unsigned int instance;
  /// Id of the compute instance.
  unsigned int compute;
  /// The section of the thing itself, and that of its GPU.
  const fake_section *section;
  const fake_section *board;
} fake_target;

/// A section's name, normalised: `fake_name(name, "gpu %u mig %u", 0, 1)` with up to three numbers.
typedef struct {
  char text[FAKE_NAME_BYTES];
} fake_name;
fake_name fake_named(const char *kind, const unsigned int *numbers, unsigned int count);

/// The file that is in force. Only while the lock is held.
const fake_file *fake_current(void);
const fake_section *fake_driver(void);
/// NULL when there is no such section. Only while the lock is held.
const fake_section *fake_gpu_section(unsigned int gpu);
const fake_section *fake_gpu_part(unsigned int gpu, const char *kind, unsigned int number);
/// The sections `[gpu N KIND *]` one after the other; `number` is that of the section returned.
const fake_section *fake_gpu_parts(
  unsigned int gpu, const char *kind, const fake_section *previous, unsigned int *number);

/// Tells whether the entries of a section changed between two readings of the file.
uint64_t fake_section_hash(const fake_section *section);

/// GPUs that the machine counts: one more than the highest number, unless `count` says otherwise.
unsigned int fake_gpu_count(void);

/// A handle for that thing; stale ones are refused later.
void *fake_handle(fake_kind kind, unsigned int gpu, unsigned int instance, unsigned int compute);

// Every call of NVML begins with one of these and, when it returns SUCCESS, holds the lock until
// fake_end. They check that the library is initialised, look the handle up and run the scripts,
// which may also sleep or hang; what they return otherwise is the answer of the call.
int fake_begin_system(const char *call);
int fake_begin(const char *call, void *handle, fake_target *target);
/// For calls that only a whole GPU answers: NOT_SUPPORTED for a MIG device.
int fake_begin_gpu(const char *call, void *handle, fake_target *target);
/// For handles of GPU and compute instances.
int fake_begin_instance(const char *call, void *handle, fake_kind kind, fake_target *target);

/// Gives the lock back and returns `code`.
int fake_end(int code);

/// Init of every kind, and shutdown.
int fake_start(const char *call);
int fake_stop(void);

/// Runs the script of that key, which belongs to no call of its own, and gives its code. A script
/// that sleeps lets the lock go meanwhile: sections must be looked up again.
int fake_run_script(const fake_section *section, const char *key);

/// Milliseconds of a clock that never goes back.
fake_u64 fake_now_ms(void);
void fake_sleep_ms(fake_u64 milliseconds);
/// Looks whether the file changed. With the lock held; a wait calls it between two looks.
void fake_refresh(void);
void fake_lock(void);
void fake_unlock(void);
/// True between init and the last shutdown. With the lock held.
int fake_is_started(void);

// The most usual calls in one line: one value of a device's section.
int fake_device_u32(const char *call, void *device, const char *key, unsigned int *number);
int fake_device_flag(const char *call, void *device, const char *key, unsigned int *flag);
int fake_device_u64(const char *call, void *device, const char *key, fake_u64 *number);
int fake_device_text(
  const char *call, void *device, const char *key, char *text, unsigned int bytes);

/// Copies a text to a caller's buffer: INSUFFICIENT_SIZE when it does not fit. With
/// `text = unterminated` in the section the buffer is filled to its end without a zero.
int fake_copy(const fake_section *section, const char *value, char *text, unsigned int bytes);

#pragma GCC visibility pop
