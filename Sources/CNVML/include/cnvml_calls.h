// CNVML: the calls, sorted by their shape. One list a shape gives an enum of calls and, in cnvml.c,
// the table of the names under which they are looked up. Where a call has versions each stands for
// itself; stepping down from one to the next is Swift's business.
#pragma once

#include "cnvml.h"

#ifdef __cplusplus
extern "C" {
#endif

/// device -> text
#define CNVML_TEXT_CALLS(X)                       \
  X(NAME, "nvmlDeviceGetName")                    \
  X(UUID, "nvmlDeviceGetUUID")                    \
  X(SERIAL, "nvmlDeviceGetSerial")                \
  X(PART_NUMBER, "nvmlDeviceGetBoardPartNumber")

/// device -> u32
#define CNVML_U32_CALLS(X)                                            \
  X(MINOR_NUMBER, "nvmlDeviceGetMinorNumber")                         \
  X(ARCHITECTURE, "nvmlDeviceGetArchitecture")                        \
  X(MODULE_ID, "nvmlDeviceGetModuleId")                               \
  X(NUMA_NODE, "nvmlDeviceGetNumaNodeId")                             \
  X(PCIE_GENERATION, "nvmlDeviceGetCurrPcieLinkGeneration")           \
  X(PCIE_GENERATION_MAX, "nvmlDeviceGetMaxPcieLinkGeneration")        \
  X(PCIE_GENERATION_GPU, "nvmlDeviceGetGpuMaxPcieLinkGeneration")     \
  X(PCIE_WIDTH, "nvmlDeviceGetCurrPcieLinkWidth")                     \
  X(PCIE_WIDTH_MAX, "nvmlDeviceGetMaxPcieLinkWidth")                  \
  X(PCIE_REPLAYS, "nvmlDeviceGetPcieReplayCounter")                   \
  X(PERSISTENCE_MODE, "nvmlDeviceGetPersistenceMode")                 \
  X(COMPUTE_MODE, "nvmlDeviceGetComputeMode")                         \
  X(VIRTUALIZATION_MODE, "nvmlDeviceGetVirtualizationMode")           \
  X(ACCOUNTING_MODE, "nvmlDeviceGetAccountingMode")                   \
  X(ACCOUNTING_BUFFER, "nvmlDeviceGetAccountingBufferSize")           \
  X(RETIREMENT_PENDING, "nvmlDeviceGetRetiredPagesPendingStatus")     \
  X(POWER_USAGE, "nvmlDeviceGetPowerUsage")                           \
  X(POWER_LIMIT, "nvmlDeviceGetEnforcedPowerLimit")                   \
  X(POWER_LIMIT_DEFAULT, "nvmlDeviceGetPowerManagementDefaultLimit")  \
  X(MIG_DEVICES_MAX, "nvmlDeviceGetMaxMigDeviceCount")                \
  X(GPU_INSTANCE_ID, "nvmlDeviceGetGpuInstanceId")                    \
  X(COMPUTE_INSTANCE_ID, "nvmlDeviceGetComputeInstanceId")

/// device, u32 -> u32
#define CNVML_U32_OF_CALLS(X)                                    \
  X(TEMPERATURE, "nvmlDeviceGetTemperature")                     \
  X(THRESHOLD, "nvmlDeviceGetTemperatureThreshold")              \
  X(CLOCK, "nvmlDeviceGetClockInfo")                             \
  X(CLOCK_MAX, "nvmlDeviceGetMaxClockInfo")                      \
  X(LINK_STATE, "nvmlDeviceGetNvLinkState")                      \
  X(LINK_VERSION, "nvmlDeviceGetNvLinkVersion")                  \
  X(LINK_REMOTE_TYPE, "nvmlDeviceGetNvLinkRemoteDeviceType")     \
  X(REMAINING_CAPACITY, "nvmlDeviceGetGpuInstanceRemainingCapacity")

/// device -> two u32
#define CNVML_PAIR_CALLS(X)                                      \
  X(MIG_MODE, "nvmlDeviceGetMigMode")                            \
  X(ECC_MODE, "nvmlDeviceGetEccMode")                            \
  X(POWER_RANGE, "nvmlDeviceGetPowerManagementLimitConstraints") \
  X(COMPUTE_CAPABILITY, "nvmlDeviceGetCudaComputeCapability")

/// device -> u64
#define CNVML_U64_CALLS(X)                                              \
  X(ENERGY, "nvmlDeviceGetTotalEnergyConsumption")                      \
  X(CLOCK_EVENT_REASONS, "nvmlDeviceGetCurrentClocksEventReasons")      \
  X(CLOCK_THROTTLE_REASONS, "nvmlDeviceGetCurrentClocksThrottleReasons") \
  X(EVENT_TYPES, "nvmlDeviceGetSupportedEventTypes")

/// device, u32, u32 -> u64
#define CNVML_U64_OF_CALLS(X)                   \
  X(ECC_TOTAL, "nvmlDeviceGetTotalEccErrors")   \
  X(LINK_ERRORS, "nvmlDeviceGetNvLinkErrorCounter")

/// device -> structure
#define CNVML_STRUCT_CALLS(X)                          \
  X(PCI, "nvmlDeviceGetPciInfo_v3")                    \
  X(MEMORY_V1, "nvmlDeviceGetMemoryInfo")              \
  X(MEMORY_V2, "nvmlDeviceGetMemoryInfo_v2")           \
  X(BAR1, "nvmlDeviceGetBAR1MemoryInfo")               \
  X(UTILIZATION, "nvmlDeviceGetUtilizationRates")      \
  X(ATTRIBUTES, "nvmlDeviceGetAttributes_v2")          \
  X(ROW_HISTOGRAM, "nvmlDeviceGetRowRemapperHistogram") \
  X(FABRIC_V1, "nvmlDeviceGetGpuFabricInfo")           \
  X(FABRIC_V, "nvmlDeviceGetGpuFabricInfoV")           \
  X(SRAM, "nvmlDeviceGetSramEccErrorStatus")           \
  X(REPAIR, "nvmlDeviceGetRepairStatus")

/// device, u32 -> structure
#define CNVML_STRUCT_OF_CALLS(X)                                \
  X(GI_PROFILE, "nvmlDeviceGetGpuInstanceProfileInfo")          \
  X(GI_PROFILE_V, "nvmlDeviceGetGpuInstanceProfileInfoV")       \
  X(LINK_REMOTE_PCI, "nvmlDeviceGetNvLinkRemotePciInfo_v2")     \
  X(ACCOUNTING_STATS, "nvmlDeviceGetAccountingStats")

/// device, in-out count -> list of bytes
#define CNVML_LIST_CALLS(X)                                               \
  X(COMPUTE_V3, "nvmlDeviceGetComputeRunningProcesses_v3")                \
  X(COMPUTE_V2, "nvmlDeviceGetComputeRunningProcesses_v2")                \
  X(COMPUTE_V1, "nvmlDeviceGetComputeRunningProcesses")                   \
  X(GRAPHICS_V3, "nvmlDeviceGetGraphicsRunningProcesses_v3")              \
  X(GRAPHICS_V2, "nvmlDeviceGetGraphicsRunningProcesses_v2")              \
  X(GRAPHICS_V1, "nvmlDeviceGetGraphicsRunningProcesses")                 \
  X(MPS_V3, "nvmlDeviceGetMPSComputeRunningProcesses_v3")                 \
  X(MPS_V2, "nvmlDeviceGetMPSComputeRunningProcesses_v2")                 \
  X(MPS_V1, "nvmlDeviceGetMPSComputeRunningProcesses")                    \
  X(ACCOUNTING_PIDS, "nvmlDeviceGetAccountingPids")

/// device, device, … -> u32
#define CNVML_BETWEEN_CALLS(X)                                  \
  X(COMMON_ANCESTOR, "nvmlDeviceGetTopologyCommonAncestor")     \
  X(P2P_STATUS, "nvmlDeviceGetP2PStatus")

/// Calls with a shape of their own.
#define CNVML_OTHER_CALLS(X)                                              \
  X(INIT_WITH_FLAGS, "nvmlInitWithFlags")                                 \
  X(INIT_V2, "nvmlInit_v2")                                               \
  X(INIT, "nvmlInit")                                                     \
  X(SHUTDOWN, "nvmlShutdown")                                             \
  X(DRIVER_VERSION, "nvmlSystemGetDriverVersion")                         \
  X(NVML_VERSION, "nvmlSystemGetNVMLVersion")                             \
  X(CUDA_VERSION, "nvmlSystemGetCudaDriverVersion_v2")                    \
  X(DEVICE_COUNT, "nvmlDeviceGetCount_v2")                                \
  X(DEVICE_BY_INDEX, "nvmlDeviceGetHandleByIndex_v2")                     \
  X(MIG_DEVICE, "nvmlDeviceGetMigDeviceHandleByIndex")                    \
  X(GPU_INSTANCE, "nvmlDeviceGetGpuInstanceById")                         \
  X(GPU_INSTANCE_INFO, "nvmlGpuInstanceGetInfo")                          \
  X(POSSIBLE_PLACEMENTS, "nvmlDeviceGetGpuInstancePossiblePlacements_v2") \
  X(CPU_AFFINITY, "nvmlDeviceGetCpuAffinity")                             \
  X(CPU_AFFINITY_WITHIN, "nvmlDeviceGetCpuAffinityWithinScope")           \
  X(MEMORY_AFFINITY, "nvmlDeviceGetMemoryAffinity")                       \
  X(RETIRED_PAGES, "nvmlDeviceGetRetiredPages_v2")                        \
  X(RETIRED_PAGES_V1, "nvmlDeviceGetRetiredPages")                        \
  X(PROCESS_UTILIZATION, "nvmlDeviceGetProcessUtilization")               \
  X(REMAPPED_ROWS, "nvmlDeviceGetRemappedRows")                           \
  X(FIELD_VALUES, "nvmlDeviceGetFieldValues")                             \
  X(EVENT_SET_CREATE, "nvmlEventSetCreate")                               \
  X(REGISTER_EVENTS, "nvmlDeviceRegisterEvents")                          \
  X(EVENT_SET_WAIT, "nvmlEventSetWait_v2")                                \
  X(EVENT_SET_WAIT_V1, "nvmlEventSetWait")                                \
  X(EVENT_SET_FREE, "nvmlEventSetFree")

#define CNVML_TEXT_CASE(name, symbol) CNVML_TEXT_##name,
#define CNVML_U32_CASE(name, symbol) CNVML_U32_##name,
#define CNVML_U32_OF_CASE(name, symbol) CNVML_U32_OF_##name,
#define CNVML_PAIR_CASE(name, symbol) CNVML_PAIR_##name,
#define CNVML_U64_CASE(name, symbol) CNVML_U64_##name,
#define CNVML_U64_OF_CASE(name, symbol) CNVML_U64_OF_##name,
#define CNVML_STRUCT_CASE(name, symbol) CNVML_STRUCT_##name,
#define CNVML_STRUCT_OF_CASE(name, symbol) CNVML_STRUCT_OF_##name,
#define CNVML_LIST_CASE(name, symbol) CNVML_LIST_##name,
#define CNVML_BETWEEN_CASE(name, symbol) CNVML_BETWEEN_##name,
#define CNVML_OTHER_CASE(name, symbol) CNVML_OTHER_##name,

typedef enum { CNVML_TEXT_CALLS(CNVML_TEXT_CASE) CNVML_TEXT_COUNT } cnvml_text_call;
typedef enum { CNVML_U32_CALLS(CNVML_U32_CASE) CNVML_U32_COUNT } cnvml_u32_call;
typedef enum { CNVML_U32_OF_CALLS(CNVML_U32_OF_CASE) CNVML_U32_OF_COUNT } cnvml_u32_of_call;
typedef enum { CNVML_PAIR_CALLS(CNVML_PAIR_CASE) CNVML_PAIR_COUNT } cnvml_pair_call;
typedef enum { CNVML_U64_CALLS(CNVML_U64_CASE) CNVML_U64_COUNT } cnvml_u64_call;
typedef enum { CNVML_U64_OF_CALLS(CNVML_U64_OF_CASE) CNVML_U64_OF_COUNT } cnvml_u64_of_call;
typedef enum { CNVML_STRUCT_CALLS(CNVML_STRUCT_CASE) CNVML_STRUCT_COUNT } cnvml_struct_call;
typedef enum {
  CNVML_STRUCT_OF_CALLS(CNVML_STRUCT_OF_CASE) CNVML_STRUCT_OF_COUNT
} cnvml_struct_of_call;
typedef enum { CNVML_LIST_CALLS(CNVML_LIST_CASE) CNVML_LIST_COUNT } cnvml_list_call;
typedef enum { CNVML_BETWEEN_CALLS(CNVML_BETWEEN_CASE) CNVML_BETWEEN_COUNT } cnvml_between_call;
typedef enum { CNVML_OTHER_CALLS(CNVML_OTHER_CASE) CNVML_OTHER_COUNT } cnvml_other_call;

// Every call sets its outputs first, because NVML leaves them alone when it fails: to zero, but for
// the version word of a structure and the bytes of a list. All give NVML's code, unchanged, or
// CNVML_NO_SYMBOL.
int cnvml_text(
  const cnvml_library *, cnvml_text_call, cnvml_device, char *text, unsigned int bytes);
int cnvml_u32(const cnvml_library *, cnvml_u32_call, cnvml_device, unsigned int *value);
int cnvml_u32_of(
  const cnvml_library *, cnvml_u32_of_call, cnvml_device, unsigned int argument,
  unsigned int *value);
int cnvml_pair(
  const cnvml_library *, cnvml_pair_call, cnvml_device, unsigned int *first,
  unsigned int *second);
int cnvml_u64(const cnvml_library *, cnvml_u64_call, cnvml_device, unsigned long long *value);
int cnvml_u64_of(
  const cnvml_library *, cnvml_u64_of_call, cnvml_device, unsigned int argument,
  unsigned int second_argument, unsigned long long *value);

/// `bytes` is the size of the structure at `value`; `version` its first word, 0 for none. The
/// driver writes into a larger room of our own, of which `bytes` are copied.
int cnvml_struct(
  const cnvml_library *, cnvml_struct_call, cnvml_device, unsigned int version, void *value,
  size_t bytes);
int cnvml_struct_of(
  const cnvml_library *, cnvml_struct_of_call, cnvml_device, unsigned int argument,
  unsigned int version, void *value, size_t bytes);

/// `count`: in, the entries that fit into `entries`; out, what the driver says. Nothing is cleared.
int cnvml_list(
  const cnvml_library *, cnvml_list_call, cnvml_device, unsigned int *count, void *entries);

int cnvml_common_ancestor(
  const cnvml_library *, cnvml_device, cnvml_device, unsigned int *level);
int cnvml_p2p_status(
  const cnvml_library *, cnvml_device, cnvml_device, unsigned int kind, unsigned int *status);

int cnvml_mig_device(
  const cnvml_library *, cnvml_device, unsigned int index, cnvml_device *mig);
int cnvml_gpu_instance(
  const cnvml_library *, cnvml_device, unsigned int id, cnvml_gi_info *info);

/// `count` as for cnvml_list; NULL `placements` asks for the number.
int cnvml_possible_placements(
  const cnvml_library *, cnvml_device, unsigned int profile, cnvml_placement *placements,
  unsigned int *count);

/// Masks of CPUs or NUMA nodes, lowest bit first, of `words` unsigned longs.
int cnvml_cpu_affinity(
  const cnvml_library *, cnvml_device, unsigned int words, unsigned long *mask);
int cnvml_cpu_affinity_within(
  const cnvml_library *, cnvml_device, unsigned int words, unsigned long *mask,
  unsigned int scope);
int cnvml_memory_affinity(
  const cnvml_library *, cnvml_device, unsigned int words, unsigned long *mask,
  unsigned int scope);

/// Load of processes in samples newer than `since`, in microseconds; `count` as for cnvml_list, NULL
/// `samples` asks for the number.
int cnvml_process_utilization(
  const cnvml_library *, cnvml_device, cnvml_process_sample *samples, unsigned int *count,
  unsigned long long since);

/// How many pages were retired for `cause`; neither addresses nor times are asked for.
int cnvml_retired_pages(
  const cnvml_library *, cnvml_device, unsigned int cause, unsigned int *count);

/// The same by the older call.
int cnvml_retired_pages_v1(
  const cnvml_library *, cnvml_device, unsigned int cause, unsigned int *count);

/// Rows remapped after corrected and uncorrected errors, whether more wait for a reset, and whether
/// remapping failed.
int cnvml_remapped_rows(const cnvml_library *, cnvml_device, unsigned int values[4]);

/// Fields by number: `field` and `scope` of every entry are read, the rest is cleared.
int cnvml_fields(const cnvml_library *, cnvml_device, cnvml_field *fields, unsigned int count);

int cnvml_event_set_create(const cnvml_library *, cnvml_event_set *set);
int cnvml_register_events(
  const cnvml_library *, cnvml_device, unsigned long long types, cnvml_event_set);
int cnvml_event_set_wait(
  const cnvml_library *, cnvml_event_set, cnvml_event *event, unsigned int milliseconds);
int cnvml_event_set_free(const cnvml_library *, cnvml_event_set);

#ifdef __cplusplus
}
#endif
