// Layouts of the NVML ABI as measured against nvml.h of API 11.8, 12.9 and 13.5: sizes, offsets and
// version words are facts of the interface; the names are our own.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef unsigned long long nvml_u64;

/// A version word: the size in the low 24 bits, the version in the high 8.
#define NVML_VERSION(type, version) ((unsigned int)(sizeof(type) | ((version) << 24)))

typedef struct {
  char bus_id_legacy[16];
  unsigned int domain, bus, device, device_id, subsystem_id;
  char bus_id[32];
} nvml_pci;

typedef struct {
  char bus_id[16];
  unsigned int domain, bus, device, device_id, subsystem_id;
  unsigned int reserved[4];
} nvml_pci_v2;

typedef struct {
  unsigned int version, domain, bus, device, device_id, subsystem_id, base_class, sub_class;
  char bus_id[32];
} nvml_pci_ext;

typedef struct { nvml_u64 total, free, used; } nvml_memory;
typedef struct { unsigned int version; nvml_u64 total, reserved, free, used; } nvml_memory_v2;
typedef struct { unsigned int gpu, memory; } nvml_utilization;

typedef struct {
  unsigned int pid;
  nvml_u64 used;
  unsigned int gi, ci;
  nvml_u64 cc_protected;
} nvml_process;

typedef struct { unsigned int version, mode, count; nvml_process *processes; } nvml_process_list;

typedef struct {
  unsigned int pid;
  nvml_u64 timestamp;
  unsigned int sm, memory, encoder, decoder;
} nvml_process_sample;

typedef struct {
  nvml_u64 timestamp;
  unsigned int pid, sm, memory, encoder, decoder, jpeg, ofa;
} nvml_process_info;

typedef struct {
  unsigned int version, count;
  nvml_u64 since;
  nvml_process_info *samples;
} nvml_processes_info;

typedef struct {
  unsigned int gpu, memory;
  nvml_u64 max_memory, time_ms, start_us;
  unsigned int running, reserved[5];
} nvml_accounting;

typedef struct {
  unsigned int multiprocessors, copy, decoder, encoder, jpeg, ofa, gi_slices, ci_slices;
  nvml_u64 memory_mb;
} nvml_attributes;

typedef struct { unsigned int start, size; } nvml_placement;

typedef struct {
  unsigned int id, p2p, slices, instances, sms, copy, decoder, encoder, jpeg, ofa;
  nvml_u64 memory_mb;
} nvml_gi_profile;

typedef struct {
  unsigned int version, id, p2p, slices, instances, sms, copy, decoder, encoder, jpeg, ofa;
  nvml_u64 memory_mb;
  char name[96];
} nvml_gi_profile_v2;

typedef struct {
  unsigned int version, id, slices, instances, sms, copy, decoder, encoder, jpeg, ofa;
  nvml_u64 memory_mb;
  char name[96];
  unsigned int capabilities;
} nvml_gi_profile_v3;

typedef struct {
  unsigned int id, slices, instances, sms, copy, decoder, encoder, jpeg, ofa;
} nvml_ci_profile;

typedef struct {
  unsigned int version, id, slices, instances, sms, copy, decoder, encoder, jpeg, ofa;
  char name[96];
} nvml_ci_profile_v2;

typedef struct {
  unsigned int version, id, slices, instances, sms, copy, decoder, encoder, jpeg, ofa;
  char name[96];
  unsigned int capabilities;
} nvml_ci_profile_v3;

typedef struct { void *device; unsigned int id, profile; nvml_placement placement; } nvml_gi;

typedef struct {
  void *device, *gi;
  unsigned int id, profile;
  nvml_placement placement;
} nvml_ci;

typedef struct { void *device; nvml_u64 type, data; unsigned int gi, ci; } nvml_event;

typedef struct {
  unsigned int field, scope;
  long long timestamp, latency;
  unsigned int type, code;
  union {
    double real;
    unsigned int u32;
    nvml_u64 u64;
    long long i64;
    int i32;
    unsigned short u16;
  } value;
} nvml_field;

typedef struct { unsigned int max, high, partial, low, none; } nvml_remap_histogram;

typedef struct {
  unsigned int corrected, corrected_inactive, uncorrected, uncorrected_inactive, pending, failure;
} nvml_remapped_v2;

typedef struct { unsigned char cluster[16]; unsigned int status, clique; unsigned char state; }
  nvml_fabric;

typedef struct {
  unsigned int version;
  unsigned char cluster[16];
  unsigned int status, clique;
  unsigned char state;
  unsigned int health_mask;
} nvml_fabric_v2;

typedef struct {
  unsigned int version;
  unsigned char cluster[16];
  unsigned int status, clique;
  unsigned char state;
  unsigned int health_mask;
  unsigned char summary;
} nvml_fabric_v3;

typedef struct {
  unsigned int version, type;
  union {
    char text[41];
    unsigned char binary[16];
  } id;
} nvml_uuid;

typedef struct {
  unsigned int version;
  unsigned char guid[16], chassis_serial[16];
  unsigned char slot, tray, host, peer_type, module;
} nvml_platform;

typedef struct {
  unsigned int version;
  nvml_u64 aggregate_parity, aggregate_secded, aggregate_corrected;
  nvml_u64 volatile_parity, volatile_secded, volatile_corrected;
  nvml_u64 l2, sm, pcie, mcu, other;
  unsigned int threshold_exceeded;
} nvml_sram_ecc;

typedef struct { nvml_u64 l1, l2, device, registers; } nvml_ecc_detail;
typedef struct { unsigned int version, sensor; int degrees; } nvml_temperature;
typedef struct { unsigned int version; int margin; } nvml_margin;
typedef struct { unsigned int version, value; } nvml_word;
typedef struct { unsigned int version, channel, tpc; } nvml_repair;
typedef struct { nvml_u64 reference, violation; } nvml_violation;
typedef struct { nvml_u64 timestamp; nvml_u64 value; } nvml_sample;
typedef struct { unsigned int sessions, fps, latency; } nvml_fbc;
typedef struct { nvml_u64 protected_kib, unprotected_kib; } nvml_cc_memory;
typedef struct { unsigned int version; char branch[80]; } nvml_branch;

#define NVML_SIZE(type, bytes) \
  _Static_assert(sizeof(type) == (bytes), "the layout of " #type " is not the driver's")
NVML_SIZE(nvml_pci, 68);
NVML_SIZE(nvml_pci_v2, 52);
NVML_SIZE(nvml_pci_ext, 64);
NVML_SIZE(nvml_memory, 24);
NVML_SIZE(nvml_memory_v2, 40);
NVML_SIZE(nvml_process, 32);
NVML_SIZE(nvml_process_list, 24);
NVML_SIZE(nvml_process_sample, 32);
NVML_SIZE(nvml_process_info, 40);
NVML_SIZE(nvml_processes_info, 24);
NVML_SIZE(nvml_accounting, 56);
NVML_SIZE(nvml_attributes, 40);
NVML_SIZE(nvml_gi_profile, 48);
NVML_SIZE(nvml_gi_profile_v2, 152);
NVML_SIZE(nvml_gi_profile_v3, 152);
NVML_SIZE(nvml_ci_profile, 36);
NVML_SIZE(nvml_ci_profile_v2, 136);
NVML_SIZE(nvml_ci_profile_v3, 140);
NVML_SIZE(nvml_gi, 24);
NVML_SIZE(nvml_ci, 32);
NVML_SIZE(nvml_event, 32);
NVML_SIZE(nvml_field, 40);
NVML_SIZE(nvml_remap_histogram, 20);
NVML_SIZE(nvml_remapped_v2, 24);
NVML_SIZE(nvml_fabric, 28);
NVML_SIZE(nvml_fabric_v2, 36);
NVML_SIZE(nvml_fabric_v3, 40);
NVML_SIZE(nvml_uuid, 52);
NVML_SIZE(nvml_platform, 44);
NVML_SIZE(nvml_sram_ecc, 104);
NVML_SIZE(nvml_branch, 84);
_Static_assert(offsetof(nvml_gi_profile_v3, name) == 48, "name of a GPU instance profile, v3");
_Static_assert(offsetof(nvml_gi_profile_v3, capabilities) == 144, "capabilities, v3");
_Static_assert(offsetof(nvml_fabric_v3, summary) == 36, "health summary");
_Static_assert(offsetof(nvml_field, value) == 32, "value of a field");
