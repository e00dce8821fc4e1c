#include <string.h>

#include "cnvml_table.h"

_Static_assert(sizeof(cnvml_memory_v1) == 24, "NVML ABI: memory v1");
_Static_assert(sizeof(cnvml_memory_v2) == 40, "NVML ABI: memory v2");
_Static_assert(offsetof(cnvml_memory_v2, total) == 8, "NVML ABI: memory v2 total");
_Static_assert(sizeof(cnvml_bar1) == 24, "NVML ABI: BAR1");
_Static_assert(sizeof(cnvml_pci) == 68, "NVML ABI: PCI");
_Static_assert(offsetof(cnvml_pci, bus_id) == 36, "NVML ABI: PCI bus id");
_Static_assert(sizeof(cnvml_utilization) == 8, "NVML ABI: utilization");
_Static_assert(sizeof(cnvml_accounting) == 56, "NVML ABI: accounting");
_Static_assert(sizeof(cnvml_attributes) == 40, "NVML ABI: attributes");
_Static_assert(sizeof(cnvml_gi_profile_v1) == 48, "NVML ABI: GPU instance profile v1");
_Static_assert(sizeof(cnvml_gi_profile_v2) == 152, "NVML ABI: GPU instance profile v2");
_Static_assert(offsetof(cnvml_gi_profile_v2, name) == 56, "NVML ABI: name of profile v2");
_Static_assert(sizeof(cnvml_gi_profile_v3) == 152, "NVML ABI: GPU instance profile v3");
_Static_assert(offsetof(cnvml_gi_profile_v3, name) == 48, "NVML ABI: name of profile v3");
_Static_assert(sizeof(cnvml_gi_info) == 24, "NVML ABI: GPU instance");
_Static_assert(sizeof(cnvml_event) == 32, "NVML ABI: event");
_Static_assert(sizeof(cnvml_field) == 40, "NVML ABI: field");
_Static_assert(offsetof(cnvml_field, value) == 32, "NVML ABI: field value");
_Static_assert(sizeof(cnvml_row_histogram) == 20, "NVML ABI: row histogram");
_Static_assert(sizeof(cnvml_fabric_v1) == 28, "NVML ABI: fabric v1");
_Static_assert(sizeof(cnvml_fabric_v2) == 36, "NVML ABI: fabric v2");
_Static_assert(sizeof(cnvml_fabric_v3) == 40, "NVML ABI: fabric v3");
_Static_assert(sizeof(cnvml_sram) == 104, "NVML ABI: SRAM");
_Static_assert(sizeof(cnvml_repair) == 12, "NVML ABI: repair");
_Static_assert(sizeof(cnvml_process_sample) == 32, "NVML ABI: process sample");
_Static_assert(offsetof(cnvml_process_sample, timestamp) == 8, "NVML ABI: time of a sample");
_Static_assert(sizeof(cnvml_process_v1) == 16, "NVML ABI: process v1");
_Static_assert(sizeof(cnvml_process_v2) == 24, "NVML ABI: process v2");
_Static_assert(sizeof(cnvml_process_v3) == 32, "NVML ABI: process v3");

#define SIZED(word, type) \
  _Static_assert(((word) & 0xffffffu) == sizeof(type), "NVML ABI: version word of " #type)
SIZED(CNVML_MEMORY_V2, cnvml_memory_v2);
SIZED(CNVML_GI_PROFILE_V2, cnvml_gi_profile_v2);
SIZED(CNVML_GI_PROFILE_V3, cnvml_gi_profile_v3);
SIZED(CNVML_FABRIC_V2, cnvml_fabric_v2);
SIZED(CNVML_FABRIC_V3, cnvml_fabric_v3);
SIZED(CNVML_SRAM_V1, cnvml_sram);
SIZED(CNVML_REPAIR_V1, cnvml_repair);

/// Bytes into which the driver writes a structure: the largest has 152.
#define ROOM 512

int cnvml_text(
  const cnvml_library *library, cnvml_text_call call, cnvml_device device, char *text,
  unsigned int bytes) {
  memset(text, 0, bytes);
  if (bytes < 2) return CNVML_NO_SYMBOL;
  return CNVML_CALL(
    library->text[call], (cnvml_device, char *, unsigned int), (device, text, bytes - 1));
}

int cnvml_u32(
  const cnvml_library *library, cnvml_u32_call call, cnvml_device device, unsigned int *value) {
  *value = 0;
  return CNVML_CALL(library->u32[call], (cnvml_device, unsigned int *), (device, value));
}

int cnvml_u32_of(
  const cnvml_library *library, cnvml_u32_of_call call, cnvml_device device,
  unsigned int argument, unsigned int *value) {
  *value = 0;
  return CNVML_CALL(
    library->u32_of[call], (cnvml_device, unsigned int, unsigned int *),
    (device, argument, value));
}

int cnvml_pair(
  const cnvml_library *library, cnvml_pair_call call, cnvml_device device, unsigned int *first,
  unsigned int *second) {
  *first = 0;
  *second = 0;
  return CNVML_CALL(
    library->pair[call], (cnvml_device, unsigned int *, unsigned int *), (device, first, second));
}

int cnvml_u64(
  const cnvml_library *library, cnvml_u64_call call, cnvml_device device,
  unsigned long long *value) {
  *value = 0;
  return CNVML_CALL(library->u64[call], (cnvml_device, unsigned long long *), (device, value));
}

int cnvml_u64_of(
  const cnvml_library *library, cnvml_u64_of_call call, cnvml_device device,
  unsigned int argument, unsigned int second_argument, unsigned long long *value) {
  *value = 0;
  return CNVML_CALL(
    library->u64_of[call], (cnvml_device, unsigned int, unsigned int, unsigned long long *),
    (device, argument, second_argument, value));
}

int cnvml_struct(
  const cnvml_library *library, cnvml_struct_call call, cnvml_device device,
  unsigned int version, void *value, size_t bytes) {
  _Alignas(16) unsigned char room[ROOM] = {0};
  memset(value, 0, bytes);
  if (bytes > sizeof room) return CNVML_NO_SYMBOL;
  memcpy(room, &version, sizeof version);
  int code = CNVML_CALL(library->structure[call], (cnvml_device, void *), (device, room));
  memcpy(value, room, bytes);
  return code;
}

int cnvml_struct_of(
  const cnvml_library *library, cnvml_struct_of_call call, cnvml_device device,
  unsigned int argument, unsigned int version, void *value, size_t bytes) {
  _Alignas(16) unsigned char room[ROOM] = {0};
  memset(value, 0, bytes);
  if (bytes > sizeof room) return CNVML_NO_SYMBOL;
  memcpy(room, &version, sizeof version);
  int code = CNVML_CALL(
    library->structure_of[call], (cnvml_device, unsigned int, void *), (device, argument, room));
  memcpy(value, room, bytes);
  return code;
}

int cnvml_list(
  const cnvml_library *library, cnvml_list_call call, cnvml_device device, unsigned int *count,
  void *entries) {
  return CNVML_CALL(
    library->list[call], (cnvml_device, unsigned int *, void *), (device, count, entries));
}

int cnvml_common_ancestor(
  const cnvml_library *library, cnvml_device one, cnvml_device other, unsigned int *level) {
  *level = 0;
  return CNVML_CALL(
    library->between[CNVML_BETWEEN_COMMON_ANCESTOR],
    (cnvml_device, cnvml_device, unsigned int *), (one, other, level));
}

int cnvml_p2p_status(
  const cnvml_library *library, cnvml_device one, cnvml_device other, unsigned int kind,
  unsigned int *status) {
  *status = 0;
  return CNVML_CALL(
    library->between[CNVML_BETWEEN_P2P_STATUS],
    (cnvml_device, cnvml_device, unsigned int, unsigned int *), (one, other, kind, status));
}

int cnvml_mig_device(
  const cnvml_library *library, cnvml_device device, unsigned int index, cnvml_device *mig) {
  *mig = NULL;
  return CNVML_CALL(
    library->other[CNVML_OTHER_MIG_DEVICE], (cnvml_device, unsigned int, cnvml_device *),
    (device, index, mig));
}

int cnvml_gpu_instance(
  const cnvml_library *library, cnvml_device device, unsigned int id, cnvml_gi_info *info) {
  _Alignas(16) unsigned char room[ROOM] = {0};
  memset(info, 0, sizeof *info);
  cnvml_gpu_instance_handle handle = NULL;
  int code = CNVML_CALL(
    library->other[CNVML_OTHER_GPU_INSTANCE],
    (cnvml_device, unsigned int, cnvml_gpu_instance_handle *), (device, id, &handle));
  if (code != 0) return code;
  code = CNVML_CALL(
    library->other[CNVML_OTHER_GPU_INSTANCE_INFO], (cnvml_gpu_instance_handle, void *),
    (handle, room));
  memcpy(info, room, sizeof *info);
  return code;
}

int cnvml_possible_placements(
  const cnvml_library *library, cnvml_device device, unsigned int profile,
  cnvml_placement *placements, unsigned int *count) {
  return CNVML_CALL(
    library->other[CNVML_OTHER_POSSIBLE_PLACEMENTS],
    (cnvml_device, unsigned int, cnvml_placement *, unsigned int *),
    (device, profile, placements, count));
}

int cnvml_cpu_affinity(
  const cnvml_library *library, cnvml_device device, unsigned int words, unsigned long *mask) {
  memset(mask, 0, words * sizeof *mask);
  return CNVML_CALL(
    library->other[CNVML_OTHER_CPU_AFFINITY], (cnvml_device, unsigned int, unsigned long *),
    (device, words, mask));
}

int cnvml_cpu_affinity_within(
  const cnvml_library *library, cnvml_device device, unsigned int words, unsigned long *mask,
  unsigned int scope) {
  memset(mask, 0, words * sizeof *mask);
  return CNVML_CALL(
    library->other[CNVML_OTHER_CPU_AFFINITY_WITHIN],
    (cnvml_device, unsigned int, unsigned long *, unsigned int), (device, words, mask, scope));
}

int cnvml_memory_affinity(
  const cnvml_library *library, cnvml_device device, unsigned int words, unsigned long *mask,
  unsigned int scope) {
  memset(mask, 0, words * sizeof *mask);
  return CNVML_CALL(
    library->other[CNVML_OTHER_MEMORY_AFFINITY],
    (cnvml_device, unsigned int, unsigned long *, unsigned int), (device, words, mask, scope));
}

int cnvml_process_utilization(
  const cnvml_library *library, cnvml_device device, cnvml_process_sample *samples,
  unsigned int *count, unsigned long long since) {
  return CNVML_CALL(
    library->other[CNVML_OTHER_PROCESS_UTILIZATION],
    (cnvml_device, cnvml_process_sample *, unsigned int *, unsigned long long),
    (device, samples, count, since));
}

int cnvml_retired_pages(
  const cnvml_library *library, cnvml_device device, unsigned int cause, unsigned int *count) {
  *count = 0;
  return CNVML_CALL(
    library->other[CNVML_OTHER_RETIRED_PAGES],
    (cnvml_device, unsigned int, unsigned int *, unsigned long long *, unsigned long long *),
    (device, cause, count, NULL, NULL));
}

int cnvml_retired_pages_v1(
  const cnvml_library *library, cnvml_device device, unsigned int cause, unsigned int *count) {
  *count = 0;
  return CNVML_CALL(
    library->other[CNVML_OTHER_RETIRED_PAGES_V1],
    (cnvml_device, unsigned int, unsigned int *, unsigned long long *),
    (device, cause, count, NULL));
}

int cnvml_remapped_rows(
  const cnvml_library *library, cnvml_device device, unsigned int values[4]) {
  memset(values, 0, 4 * sizeof *values);
  return CNVML_CALL(
    library->other[CNVML_OTHER_REMAPPED_ROWS],
    (cnvml_device, unsigned int *, unsigned int *, unsigned int *, unsigned int *),
    (device, &values[0], &values[1], &values[2], &values[3]));
}

int cnvml_fields(
  const cnvml_library *library, cnvml_device device, cnvml_field *fields, unsigned int count) {
  for (unsigned int index = 0; index < count; index++) {
    cnvml_field asked = {.field = fields[index].field, .scope = fields[index].scope};
    // An entry that the driver leaves alone must not read as a success with the value 0.
    asked.code = CNVML_NO_SYMBOL;
    fields[index] = asked;
  }
  return CNVML_CALL(
    library->other[CNVML_OTHER_FIELD_VALUES], (cnvml_device, int, cnvml_field *),
    (device, (int)count, fields));
}

int cnvml_event_set_create(const cnvml_library *library, cnvml_event_set *set) {
  *set = NULL;
  return CNVML_CALL(library->other[CNVML_OTHER_EVENT_SET_CREATE], (cnvml_event_set *), (set));
}

int cnvml_register_events(
  const cnvml_library *library, cnvml_device device, unsigned long long types,
  cnvml_event_set set) {
  return CNVML_CALL(
    library->other[CNVML_OTHER_REGISTER_EVENTS],
    (cnvml_device, unsigned long long, cnvml_event_set), (device, types, set));
}

int cnvml_event_set_wait(
  const cnvml_library *library, cnvml_event_set set, cnvml_event *event,
  unsigned int milliseconds) {
  memset(event, 0, sizeof *event);
  // The first version, all that drivers before MIG have, writes no instances.
  event->gpu_instance = CNVML_NOT_TOLD_32;
  event->compute_instance = CNVML_NOT_TOLD_32;
  void *call = library->other[CNVML_OTHER_EVENT_SET_WAIT];
  if (call == NULL) call = library->other[CNVML_OTHER_EVENT_SET_WAIT_V1];
  return CNVML_CALL(
    call, (cnvml_event_set, cnvml_event *, unsigned int), (set, event, milliseconds));
}

int cnvml_event_set_free(const cnvml_library *library, cnvml_event_set set) {
  return CNVML_CALL(library->other[CNVML_OTHER_EVENT_SET_FREE], (cnvml_event_set), (set));
}
