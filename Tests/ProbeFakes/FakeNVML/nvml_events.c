// Event sets: what `[event K]` says happens is delivered to the sets that registered for it.
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nvml_calls.h"

enum { SETS = 32, EVENTS = 256 };

/// Pause between two looks of a wait, in milliseconds.
#define WAIT_STEP_MS 5u

typedef struct {
  int used;
  fake_u64 created_ms;
  /// What is registered for each GPU.
  fake_u64 types[FAKE_GPUS];
} event_set;

// With the lock held. Handles are addresses of these.
static event_set sets[SETS];

/// Deliveries of each event so far, and the hash of the section that they belong to: an event whose
/// section changed is a new one.
static struct {
  uint64_t hash;
  fake_u64 delivered;
  fake_u64 last_ms;
} deliveries[EVENTS];

static event_set *set_of(void *handle) {
  for (size_t index = 0; index < SETS; index++)
    if (handle == &sets[index] && sets[index].used) return &sets[index];
  return NULL;
}

NVML_2018 int nvmlEventSetCreate(void **set) {
  int code = fake_begin_system("EventSetCreate");
  if (code != FAKE_SUCCESS) return code;
  if (set == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  for (size_t index = 0; index < SETS; index++) {
    if (sets[index].used) continue;
    memset(&sets[index], 0, sizeof sets[index]);
    sets[index].used = 1;
    sets[index].created_ms = fake_now_ms();
    *set = &sets[index];
    return fake_end(FAKE_SUCCESS);
  }
  return fake_end(FAKE_INSUFFICIENT_RESOURCES);
}

NVML_2018 int nvmlEventSetFree(void *set) {
  int code = fake_begin_system("EventSetFree");
  if (code != FAKE_SUCCESS) return code;
  event_set *found = set_of(set);
  if (found == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  found->used = 0;
  return fake_end(FAKE_SUCCESS);
}

/// XID, double bit, single bit, performance state, clocks unless the file says otherwise.
static fake_u64 supported_types(const fake_section *section) {
  return fake_u64_or(section, "event_types", 0x1F);
}

NVML_2018 int nvmlDeviceGetSupportedEventTypes(void *device, fake_u64 *types) {
  NVML_BEGIN(fake_begin_gpu, "GetSupportedEventTypes", device);
  NVML_NEED(types != NULL);
  NVML_TRY(fake_value_code(fake_text_or(target.section, "event_types", "0x1F")));
  *types = supported_types(target.section);
  return fake_end(FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceRegisterEvents(void *device, fake_u64 types, void *set) {
  NVML_BEGIN(fake_begin_gpu, "RegisterEvents", device);
  event_set *found = set_of(set);
  NVML_NEED(found != NULL);
  if ((types & ~supported_types(target.section)) != 0) return fake_end(FAKE_NOT_SUPPORTED);
  found->types[target.gpu] |= types;
  return fake_end(FAKE_SUCCESS);
}

/// A number, or a name of what NVML numbers.
static fake_u64 event_type(const fake_section *section) {
  static const struct {
    const char *name;
    fake_u64 type;
  } names[] = {
    {"single_bit_ecc", 1}, {"double_bit_ecc", 2}, {"pstate", 4}, {"xid", 8}, {"clock", 0x10},
    {"single_bit_storm", 0x200}, {"dram_retirement", 0x400}, {"dram_retirement_failure", 0x800},
    {"nonfatal_poison", 0x1000}, {"fatal_poison", 0x2000}, {"unavailable", 0x4000},
    {"recovery_action", 0x8000},
  };
  const char *value = fake_text_or(section, "type", "xid");
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++)
    if (strcasecmp(names[index].name, value) == 0) return names[index].type;
  return fake_u64_or(section, "type", 0);
}

/// True when the event of that section is due for the set; marks it as delivered.
static int is_due(const event_set *set, const fake_section *section, unsigned int number) {
  unsigned int gpu = fake_u32_or(section, "gpu", 0);
  if (gpu >= FAKE_GPUS || (set->types[gpu] & event_type(section)) == 0) return 0;
  uint64_t hash = fake_section_hash(section);
  if (deliveries[number].hash != hash) {
    deliveries[number].hash = hash;
    deliveries[number].delivered = 0;
  }
  fake_u64 now = fake_now_ms();
  const char *repeat = fake_text_or(section, "repeat", "1");
  fake_u64 times = strcmp(repeat, "forever") == 0 ? ULLONG_MAX : fake_u64_or(section, "repeat", 1);
  if (deliveries[number].delivered >= times) return 0;
  fake_u64 pause = deliveries[number].delivered == 0
    ? fake_u64_or(section, "after_ms", 0)
    : fake_u64_or(section, "every_ms", 0);
  fake_u64 since = deliveries[number].delivered == 0 ? set->created_ms
                                                     : deliveries[number].last_ms;
  if (now - since < pause) return 0;
  deliveries[number].delivered++;
  deliveries[number].last_ms = now;
  return 1;
}

/// The next event for a set. 0 when there is none now.
static int next_event(const event_set *set, nvml_event *event) {
  const fake_section *section = NULL;
  while ((section = fake_file_next(fake_current(), "event ", section)) != NULL) {
    unsigned int number = 0;
    if (sscanf(section->name, "event %10u", &number) != 1 || number >= EVENTS) continue;
    if (!is_due(set, section, number)) continue;
    *event = (nvml_event){
      .device = fake_handle(FAKE_GPU, fake_u32_or(section, "gpu", 0), 0, 0),
      .type = event_type(section),
      .data = fake_u64_or(section, "data", 0),
      .gi = fake_u32_or(section, "gi", UINT_MAX),
      .ci = fake_u32_or(section, "ci", UINT_MAX),
    };
    return 1;
  }
  return 0;
}

/// Waits without the lock, so that other threads go on and the file may change meanwhile.
static int wait_for(const char *call, void *handle, nvml_event *event, unsigned int timeout_ms) {
  int code = fake_begin_system(call);
  if (code != FAKE_SUCCESS) return code;
  if (event == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  fake_u64 start = fake_now_ms();
  for (;;) {
    event_set *set = set_of(handle);
    if (set == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
    if (next_event(set, event)) return fake_end(FAKE_SUCCESS);
    fake_u64 waited = fake_now_ms() - start;
    if (waited >= timeout_ms) return fake_end(FAKE_TIMEOUT);
    fake_u64 left = timeout_ms - waited;
    fake_unlock();
    fake_sleep_ms(left < WAIT_STEP_MS ? left : WAIT_STEP_MS);
    fake_lock();
    if (!fake_is_started()) return fake_end(FAKE_UNINITIALIZED);
    fake_refresh();
  }
}

NVML_LATER int nvmlEventSetWait_v2(void *set, nvml_event *event, unsigned int timeout_ms) {
  return wait_for("EventSetWait_v2", set, event, timeout_ms);
}

/// The first version knows nothing of instances: 24 bytes.
NVML_2018 int nvmlEventSetWait(void *set, nvml_event *event, unsigned int timeout_ms) {
  nvml_event all;
  int code = wait_for("EventSetWait", set, event == NULL ? NULL : &all, timeout_ms);
  if (code == FAKE_SUCCESS) memcpy(event, &all, offsetof(nvml_event, gi));
  return code;
}
