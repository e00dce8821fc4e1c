// CNVML: our own minimal declarations of the NVML structures that the probe reads, and the
// constants that go into its calls. Names, order and sizes are facts of the interface; `make
// abi-check` compares every one of them with a real header. No NVIDIA header is used.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Version words: the size in the low 24 bits, the version in the high 8.
#define CNVML_MEMORY_V2 0x02000028u
#define CNVML_GI_PROFILE_V2 0x02000098u
#define CNVML_GI_PROFILE_V3 0x03000098u
#define CNVML_FABRIC_V2 0x02000024u
#define CNVML_FABRIC_V3 0x03000028u
#define CNVML_SRAM_V1 0x01000068u
#define CNVML_REPAIR_V1 0x0100000cu

/// `flags` of cnvml_init_with_flags: succeed even when no GPU is bound to the driver.
#define CNVML_INIT_NO_GPUS 1u

/// Arguments of calls that take a kind.
#define CNVML_TEMPERATURE_GPU 0u
#define CNVML_THRESHOLD_SHUTDOWN 0u
#define CNVML_THRESHOLD_SLOWDOWN 1u
#define CNVML_CLOCK_GRAPHICS 0u
#define CNVML_CLOCK_SM 1u
#define CNVML_CLOCK_MEMORY 2u
#define CNVML_ECC_CORRECTED 0u
#define CNVML_ECC_UNCORRECTED 1u
#define CNVML_ECC_VOLATILE 0u
#define CNVML_ECC_AGGREGATE 1u
#define CNVML_RETIRED_BY_SINGLE_BIT 0u
#define CNVML_RETIRED_BY_DOUBLE_BIT 1u
#define CNVML_P2P_READ 0u
#define CNVML_P2P_WRITE 1u
#define CNVML_P2P_NVLINK 2u
#define CNVML_P2P_ATOMICS 3u
#define CNVML_SCOPE_NODE 0u
#define CNVML_SCOPE_SOCKET 1u
#define CNVML_LINK_ERROR_REPLAY 0u
#define CNVML_LINK_ERROR_RECOVERY 1u
#define CNVML_LINK_ERROR_CRC_FLIT 2u
#define CNVML_FIELD_LINK_SPEED 90u
#define CNVML_FIELD_LINK_COUNT 91u
#define CNVML_FIELD_RECOVERY_ACTION 230u

/// Kinds of events.
#define CNVML_EVENT_SINGLE_BIT 0x1ull
#define CNVML_EVENT_DOUBLE_BIT 0x2ull
#define CNVML_EVENT_XID 0x8ull
#define CNVML_EVENT_SINGLE_BIT_STORM 0x200ull
#define CNVML_EVENT_RETIREMENT 0x400ull
#define CNVML_EVENT_RETIREMENT_FAILED 0x800ull
#define CNVML_EVENT_FATAL_POISON 0x2000ull
#define CNVML_EVENT_UNAVAILABLE 0x4000ull
#define CNVML_EVENT_RECOVERY_ACTION 0x8000ull

/// "Not told" in 32 and in 64 bits.
#define CNVML_NOT_TOLD_32 0xFFFFFFFFu
#define CNVML_NOT_TOLD_64 0xFFFFFFFFFFFFFFFFull

/// A device as NVML names it inside one process: opaque, and stale after a reset.
typedef void *cnvml_device;

/// A GPU instance and an event set, opaque too.
typedef void *cnvml_gpu_instance_handle;
typedef void *cnvml_event_set;

/// First memory call. `used` includes what the driver keeps for itself. Bytes.
typedef struct {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
} cnvml_memory_v1;

/// Second memory call; `reserved` is the driver's own part. Bytes.
typedef struct {
  unsigned int version;
  unsigned long long total;
  unsigned long long reserved;
  unsigned long long free;
  unsigned long long used;
} cnvml_memory_v2;

/// The window into a GPU's memory. Bytes.
typedef struct {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
} cnvml_bar1;

/// Where a GPU sits; ids are device in the high and vendor in the low 16 bits.
typedef struct {
  char bus_id_legacy[16];
  unsigned int domain;
  unsigned int bus;
  unsigned int device;
  unsigned int pci_device_id;
  unsigned int pci_subsystem_id;
  char bus_id[32];
} cnvml_pci;

/// Percent of the last sample period.
typedef struct {
  unsigned int gpu;
  unsigned int memory;
} cnvml_utilization;

/// What the driver remembers of one process. Bytes, milliseconds, microseconds.
typedef struct {
  unsigned int gpu_utilization;
  unsigned int memory_utilization;
  unsigned long long max_memory;
  unsigned long long time;
  unsigned long long start_time;
  unsigned int is_running;
  unsigned int reserved[5];
} cnvml_accounting;

/// What a MIG device has. MiB.
typedef struct {
  unsigned int multiprocessors;
  unsigned int copy_engines;
  unsigned int decoders;
  unsigned int encoders;
  unsigned int jpegs;
  unsigned int ofas;
  unsigned int gpu_instance_slices;
  unsigned int compute_instance_slices;
  unsigned long long memory_mib;
} cnvml_attributes;

/// One kind of GPU instance, first form. MiB.
typedef struct {
  unsigned int id;
  unsigned int is_p2p;
  unsigned int slices;
  unsigned int instances;
  unsigned int multiprocessors;
  unsigned int copy_engines;
  unsigned int decoders;
  unsigned int encoders;
  unsigned int jpegs;
  unsigned int ofas;
  unsigned long long memory_mib;
} cnvml_gi_profile_v1;

/// The same, second form: with a name.
typedef struct {
  unsigned int version;
  unsigned int id;
  unsigned int is_p2p;
  unsigned int slices;
  unsigned int instances;
  unsigned int multiprocessors;
  unsigned int copy_engines;
  unsigned int decoders;
  unsigned int encoders;
  unsigned int jpegs;
  unsigned int ofas;
  unsigned long long memory_mib;
  char name[96];
} cnvml_gi_profile_v2;

/// The same, third form: capabilities in place of `is_p2p`.
typedef struct {
  unsigned int version;
  unsigned int id;
  unsigned int slices;
  unsigned int instances;
  unsigned int multiprocessors;
  unsigned int copy_engines;
  unsigned int decoders;
  unsigned int encoders;
  unsigned int jpegs;
  unsigned int ofas;
  unsigned long long memory_mib;
  char name[96];
  unsigned int capabilities;
} cnvml_gi_profile_v3;

/// Memory slices of a GPU instance.
typedef struct {
  unsigned int start;
  unsigned int size;
} cnvml_placement;

/// One GPU instance.
typedef struct {
  cnvml_device device;
  unsigned int id;
  unsigned int profile_id;
  cnvml_placement placement;
} cnvml_gi_info;

/// One event; instance numbers are CNVML_NOT_TOLD_32 where there is none.
typedef struct {
  cnvml_device device;
  unsigned long long type;
  unsigned long long data;
  unsigned int gpu_instance;
  unsigned int compute_instance;
} cnvml_event;

/// One field asked by number; `type` says which member of the value counts.
typedef struct {
  unsigned int field;
  unsigned int scope;
  long long timestamp;
  long long latency;
  unsigned int type;
  int code;
  union {
    double real;
    unsigned int u32;
    unsigned long long u64;
    long long i64;
  } value;
} cnvml_field;

/// Banks by how many spare rows they have left.
typedef struct {
  unsigned int max;
  unsigned int high;
  unsigned int partial;
  unsigned int low;
  unsigned int none;
} cnvml_row_histogram;

/// The NVLink fabric, three forms.
typedef struct {
  unsigned char cluster[16];
  int status;
  unsigned int clique;
  unsigned char state;
} cnvml_fabric_v1;

typedef struct {
  unsigned int version;
  unsigned char cluster[16];
  int status;
  unsigned int clique;
  unsigned char state;
  unsigned int health;
} cnvml_fabric_v2;

typedef struct {
  unsigned int version;
  unsigned char cluster[16];
  int status;
  unsigned int clique;
  unsigned char state;
  unsigned int health;
  unsigned char summary;
} cnvml_fabric_v3;

/// Errors of the memory inside the chip.
typedef struct {
  unsigned int version;
  unsigned long long aggregate_parity;
  unsigned long long aggregate_secded;
  unsigned long long aggregate_corrected;
  unsigned long long volatile_parity;
  unsigned long long volatile_secded;
  unsigned long long volatile_corrected;
  unsigned long long bucket_l2;
  unsigned long long bucket_sm;
  unsigned long long bucket_pcie;
  unsigned long long bucket_mcu;
  unsigned long long bucket_other;
  unsigned int is_over_threshold;
} cnvml_sram;

/// Repairs that wait for a reset; 0 or 1.
typedef struct {
  unsigned int version;
  unsigned int channel_pending;
  unsigned int tpc_pending;
} cnvml_repair;

/// Load that one process made in one sample period. Microseconds since 1970; percent.
typedef struct {
  unsigned int pid;
  unsigned long long timestamp;
  unsigned int multiprocessors;
  unsigned int memory;
  unsigned int encoder;
  unsigned int decoder;
} cnvml_process_sample;

/// Entries of process lists. The list calls take bytes, because drivers disagree on which of the
/// three they write; these say where the fields are.
typedef struct {
  unsigned int pid;
  unsigned long long used;
} cnvml_process_v1;

typedef struct {
  unsigned int pid;
  unsigned long long used;
  unsigned int gpu_instance;
  unsigned int compute_instance;
} cnvml_process_v2;

typedef struct {
  unsigned int pid;
  unsigned long long used;
  unsigned int gpu_instance;
  unsigned int compute_instance;
  unsigned long long used_protected;
} cnvml_process_v3;

#ifdef __cplusplus
}
#endif
