// Compares our declarations of the NVML interface with those of a real nvml.h: every size, offset,
// version word and constant that CNVML uses. scripts/abi-check.sh compiles and runs it; the header
// is never part of a build of the product.
#include <nvml.h>

#include <stdio.h>

#include "cnvml.h"

static int compared, wrong, skipped;

static void same(const char *what, unsigned long long theirs, unsigned long long ours) {
  compared++;
  if (theirs == ours) return;
  wrong++;
  printf("  DIFFERS %s: header %llu, CNVML %llu\n", what, theirs, ours);
}

__attribute__((unused)) static void missing(const char *what) {
  skipped++;
  printf("  not in this header: %s\n", what);
}

#define SIZE(theirs, ours) same("size of " #theirs, sizeof(theirs), sizeof(ours))
#define FIELD(theirs, field, ours, mine)                                              \
  same("offset of " #theirs "." #field, offsetof(theirs, field), offsetof(ours, mine)), \
    same(                                                                             \
      "size of " #theirs "." #field, sizeof(((theirs *)0)->field), sizeof(((ours *)0)->mine))
#define VALUE(theirs, ours) \
  same(#theirs, (unsigned long long)(theirs), (unsigned long long)(ours))

static void memory(void) {
  SIZE(nvmlMemory_t, cnvml_memory_v1);
  FIELD(nvmlMemory_t, total, cnvml_memory_v1, total);
  FIELD(nvmlMemory_t, free, cnvml_memory_v1, free);
  FIELD(nvmlMemory_t, used, cnvml_memory_v1, used);
  SIZE(nvmlMemory_v2_t, cnvml_memory_v2);
  FIELD(nvmlMemory_v2_t, version, cnvml_memory_v2, version);
  FIELD(nvmlMemory_v2_t, total, cnvml_memory_v2, total);
  FIELD(nvmlMemory_v2_t, reserved, cnvml_memory_v2, reserved);
  FIELD(nvmlMemory_v2_t, free, cnvml_memory_v2, free);
  FIELD(nvmlMemory_v2_t, used, cnvml_memory_v2, used);
  VALUE((unsigned int)nvmlMemory_v2, CNVML_MEMORY_V2);
  SIZE(nvmlBAR1Memory_t, cnvml_bar1);
  FIELD(nvmlBAR1Memory_t, bar1Total, cnvml_bar1, total);
  FIELD(nvmlBAR1Memory_t, bar1Free, cnvml_bar1, free);
  FIELD(nvmlBAR1Memory_t, bar1Used, cnvml_bar1, used);
}

static void device(void) {
  SIZE(nvmlDevice_t, cnvml_device);
  SIZE(nvmlGpuInstance_t, cnvml_gpu_instance_handle);
  SIZE(nvmlEventSet_t, cnvml_event_set);
  SIZE(nvmlReturn_t, int);
  SIZE(nvmlEnableState_t, unsigned int);
  SIZE(nvmlGpuP2PStatus_t, unsigned int);
  SIZE(nvmlGpuTopologyLevel_t, unsigned int);
  SIZE(nvmlIntNvLinkDeviceType_t, unsigned int);
  SIZE(nvmlDeviceArchitecture_t, unsigned int);
  SIZE(nvmlPciInfo_t, cnvml_pci);
  FIELD(nvmlPciInfo_t, busIdLegacy, cnvml_pci, bus_id_legacy);
  FIELD(nvmlPciInfo_t, domain, cnvml_pci, domain);
  FIELD(nvmlPciInfo_t, bus, cnvml_pci, bus);
  FIELD(nvmlPciInfo_t, device, cnvml_pci, device);
  FIELD(nvmlPciInfo_t, pciDeviceId, cnvml_pci, pci_device_id);
  FIELD(nvmlPciInfo_t, pciSubSystemId, cnvml_pci, pci_subsystem_id);
  FIELD(nvmlPciInfo_t, busId, cnvml_pci, bus_id);
  SIZE(nvmlUtilization_t, cnvml_utilization);
  FIELD(nvmlUtilization_t, gpu, cnvml_utilization, gpu);
  FIELD(nvmlUtilization_t, memory, cnvml_utilization, memory);
  SIZE(nvmlFieldValue_t, cnvml_field);
  FIELD(nvmlFieldValue_t, fieldId, cnvml_field, field);
  FIELD(nvmlFieldValue_t, scopeId, cnvml_field, scope);
  FIELD(nvmlFieldValue_t, timestamp, cnvml_field, timestamp);
  FIELD(nvmlFieldValue_t, latencyUsec, cnvml_field, latency);
  FIELD(nvmlFieldValue_t, valueType, cnvml_field, type);
  FIELD(nvmlFieldValue_t, nvmlReturn, cnvml_field, code);
  FIELD(nvmlFieldValue_t, value, cnvml_field, value);
  VALUE(NVML_VALUE_TYPE_UNSIGNED_INT, 1);
}

static void processes(void) {
  SIZE(nvmlProcessInfo_v1_t, cnvml_process_v1);
  FIELD(nvmlProcessInfo_v1_t, pid, cnvml_process_v1, pid);
  FIELD(nvmlProcessInfo_v1_t, usedGpuMemory, cnvml_process_v1, used);
  SIZE(nvmlProcessInfo_v2_t, cnvml_process_v2);
  FIELD(nvmlProcessInfo_v2_t, pid, cnvml_process_v2, pid);
  FIELD(nvmlProcessInfo_v2_t, usedGpuMemory, cnvml_process_v2, used);
  FIELD(nvmlProcessInfo_v2_t, gpuInstanceId, cnvml_process_v2, gpu_instance);
  FIELD(nvmlProcessInfo_v2_t, computeInstanceId, cnvml_process_v2, compute_instance);
#ifdef nvmlProcessDetailList_v1
  SIZE(nvmlProcessDetail_v1_t, cnvml_process_v3);
  FIELD(nvmlProcessDetail_v1_t, usedGpuCcProtectedMemory, cnvml_process_v3, used_protected);
#else
  missing("the 32-byte process entry (nvmlProcessDetail_v1_t)");
#endif
  SIZE(nvmlProcessUtilizationSample_t, cnvml_process_sample);
  FIELD(nvmlProcessUtilizationSample_t, pid, cnvml_process_sample, pid);
  FIELD(nvmlProcessUtilizationSample_t, timeStamp, cnvml_process_sample, timestamp);
  FIELD(nvmlProcessUtilizationSample_t, smUtil, cnvml_process_sample, multiprocessors);
  FIELD(nvmlProcessUtilizationSample_t, memUtil, cnvml_process_sample, memory);
  FIELD(nvmlProcessUtilizationSample_t, encUtil, cnvml_process_sample, encoder);
  FIELD(nvmlProcessUtilizationSample_t, decUtil, cnvml_process_sample, decoder);
  SIZE(nvmlAccountingStats_t, cnvml_accounting);
  FIELD(nvmlAccountingStats_t, gpuUtilization, cnvml_accounting, gpu_utilization);
  FIELD(nvmlAccountingStats_t, memoryUtilization, cnvml_accounting, memory_utilization);
  FIELD(nvmlAccountingStats_t, maxMemoryUsage, cnvml_accounting, max_memory);
  FIELD(nvmlAccountingStats_t, time, cnvml_accounting, time);
  FIELD(nvmlAccountingStats_t, startTime, cnvml_accounting, start_time);
  FIELD(nvmlAccountingStats_t, isRunning, cnvml_accounting, is_running);
}

#define PROFILE_FIELDS(theirs, ours)                            \
  FIELD(theirs, id, ours, id);                                  \
  FIELD(theirs, sliceCount, ours, slices);                      \
  FIELD(theirs, instanceCount, ours, instances);                \
  FIELD(theirs, multiprocessorCount, ours, multiprocessors);    \
  FIELD(theirs, copyEngineCount, ours, copy_engines);           \
  FIELD(theirs, decoderCount, ours, decoders);                  \
  FIELD(theirs, encoderCount, ours, encoders);                  \
  FIELD(theirs, jpegCount, ours, jpegs);                        \
  FIELD(theirs, ofaCount, ours, ofas);                          \
  FIELD(theirs, memorySizeMB, ours, memory_mib)

static void instances(void) {
  SIZE(nvmlGpuInstanceProfileInfo_t, cnvml_gi_profile_v1);
  PROFILE_FIELDS(nvmlGpuInstanceProfileInfo_t, cnvml_gi_profile_v1);
  FIELD(nvmlGpuInstanceProfileInfo_t, isP2pSupported, cnvml_gi_profile_v1, is_p2p);
  SIZE(nvmlGpuInstanceProfileInfo_v2_t, cnvml_gi_profile_v2);
  PROFILE_FIELDS(nvmlGpuInstanceProfileInfo_v2_t, cnvml_gi_profile_v2);
  FIELD(nvmlGpuInstanceProfileInfo_v2_t, version, cnvml_gi_profile_v2, version);
  FIELD(nvmlGpuInstanceProfileInfo_v2_t, isP2pSupported, cnvml_gi_profile_v2, is_p2p);
  FIELD(nvmlGpuInstanceProfileInfo_v2_t, name, cnvml_gi_profile_v2, name);
  VALUE((unsigned int)nvmlGpuInstanceProfileInfo_v2, CNVML_GI_PROFILE_V2);
#ifdef nvmlGpuInstanceProfileInfo_v3
  SIZE(nvmlGpuInstanceProfileInfo_v3_t, cnvml_gi_profile_v3);
  PROFILE_FIELDS(nvmlGpuInstanceProfileInfo_v3_t, cnvml_gi_profile_v3);
  FIELD(nvmlGpuInstanceProfileInfo_v3_t, version, cnvml_gi_profile_v3, version);
  FIELD(nvmlGpuInstanceProfileInfo_v3_t, name, cnvml_gi_profile_v3, name);
  FIELD(nvmlGpuInstanceProfileInfo_v3_t, capabilities, cnvml_gi_profile_v3, capabilities);
  VALUE((unsigned int)nvmlGpuInstanceProfileInfo_v3, CNVML_GI_PROFILE_V3);
#else
  missing("nvmlGpuInstanceProfileInfo_v3_t");
#endif
  SIZE(nvmlGpuInstancePlacement_t, cnvml_placement);
  FIELD(nvmlGpuInstancePlacement_t, start, cnvml_placement, start);
  FIELD(nvmlGpuInstancePlacement_t, size, cnvml_placement, size);
  SIZE(nvmlGpuInstanceInfo_t, cnvml_gi_info);
  FIELD(nvmlGpuInstanceInfo_t, device, cnvml_gi_info, device);
  FIELD(nvmlGpuInstanceInfo_t, id, cnvml_gi_info, id);
  FIELD(nvmlGpuInstanceInfo_t, profileId, cnvml_gi_info, profile_id);
  FIELD(nvmlGpuInstanceInfo_t, placement, cnvml_gi_info, placement);
  SIZE(nvmlDeviceAttributes_t, cnvml_attributes);
  FIELD(nvmlDeviceAttributes_t, multiprocessorCount, cnvml_attributes, multiprocessors);
  FIELD(nvmlDeviceAttributes_t, sharedCopyEngineCount, cnvml_attributes, copy_engines);
  FIELD(nvmlDeviceAttributes_t, sharedDecoderCount, cnvml_attributes, decoders);
  FIELD(nvmlDeviceAttributes_t, sharedEncoderCount, cnvml_attributes, encoders);
  FIELD(nvmlDeviceAttributes_t, sharedJpegCount, cnvml_attributes, jpegs);
  FIELD(nvmlDeviceAttributes_t, sharedOfaCount, cnvml_attributes, ofas);
  FIELD(nvmlDeviceAttributes_t, gpuInstanceSliceCount, cnvml_attributes, gpu_instance_slices);
  FIELD(
    nvmlDeviceAttributes_t, computeInstanceSliceCount, cnvml_attributes, compute_instance_slices);
  FIELD(nvmlDeviceAttributes_t, memorySizeMB, cnvml_attributes, memory_mib);
}

static void health(void) {
  SIZE(nvmlRowRemapperHistogramValues_t, cnvml_row_histogram);
  FIELD(nvmlRowRemapperHistogramValues_t, max, cnvml_row_histogram, max);
  FIELD(nvmlRowRemapperHistogramValues_t, high, cnvml_row_histogram, high);
  FIELD(nvmlRowRemapperHistogramValues_t, partial, cnvml_row_histogram, partial);
  FIELD(nvmlRowRemapperHistogramValues_t, low, cnvml_row_histogram, low);
  FIELD(nvmlRowRemapperHistogramValues_t, none, cnvml_row_histogram, none);
#ifdef nvmlEccSramErrorStatus_v1
  SIZE(nvmlEccSramErrorStatus_v1_t, cnvml_sram);
  FIELD(nvmlEccSramErrorStatus_v1_t, version, cnvml_sram, version);
  FIELD(nvmlEccSramErrorStatus_v1_t, aggregateUncParity, cnvml_sram, aggregate_parity);
  FIELD(nvmlEccSramErrorStatus_v1_t, aggregateUncSecDed, cnvml_sram, aggregate_secded);
  FIELD(nvmlEccSramErrorStatus_v1_t, aggregateCor, cnvml_sram, aggregate_corrected);
  FIELD(nvmlEccSramErrorStatus_v1_t, volatileUncParity, cnvml_sram, volatile_parity);
  FIELD(nvmlEccSramErrorStatus_v1_t, volatileUncSecDed, cnvml_sram, volatile_secded);
  FIELD(nvmlEccSramErrorStatus_v1_t, volatileCor, cnvml_sram, volatile_corrected);
  FIELD(nvmlEccSramErrorStatus_v1_t, bThresholdExceeded, cnvml_sram, is_over_threshold);
  VALUE((unsigned int)nvmlEccSramErrorStatus_v1, CNVML_SRAM_V1);
#else
  missing("nvmlEccSramErrorStatus_v1_t");
#endif
#ifdef nvmlRepairStatus_v1
  SIZE(nvmlRepairStatus_v1_t, cnvml_repair);
  FIELD(nvmlRepairStatus_v1_t, version, cnvml_repair, version);
  FIELD(nvmlRepairStatus_v1_t, bChannelRepairPending, cnvml_repair, channel_pending);
  FIELD(nvmlRepairStatus_v1_t, bTpcRepairPending, cnvml_repair, tpc_pending);
  VALUE((unsigned int)nvmlRepairStatus_v1, CNVML_REPAIR_V1);
#else
  missing("nvmlRepairStatus_v1_t");
#endif
  SIZE(nvmlEventData_t, cnvml_event);
  FIELD(nvmlEventData_t, device, cnvml_event, device);
  FIELD(nvmlEventData_t, eventType, cnvml_event, type);
  FIELD(nvmlEventData_t, eventData, cnvml_event, data);
  FIELD(nvmlEventData_t, gpuInstanceId, cnvml_event, gpu_instance);
  FIELD(nvmlEventData_t, computeInstanceId, cnvml_event, compute_instance);
}

static void fabric(void) {
#ifdef NVML_GPU_FABRIC_STATE_COMPLETED
  SIZE(nvmlGpuFabricInfo_t, cnvml_fabric_v1);
  FIELD(nvmlGpuFabricInfo_t, clusterUuid, cnvml_fabric_v1, cluster);
  FIELD(nvmlGpuFabricInfo_t, status, cnvml_fabric_v1, status);
  FIELD(nvmlGpuFabricInfo_t, cliqueId, cnvml_fabric_v1, clique);
  FIELD(nvmlGpuFabricInfo_t, state, cnvml_fabric_v1, state);
  VALUE(NVML_GPU_FABRIC_STATE_COMPLETED, 3);
#else
  missing("nvmlGpuFabricInfo_t");
#endif
#ifdef nvmlGpuFabricInfo_v2
  SIZE(nvmlGpuFabricInfo_v2_t, cnvml_fabric_v2);
  FIELD(nvmlGpuFabricInfo_v2_t, clusterUuid, cnvml_fabric_v2, cluster);
  FIELD(nvmlGpuFabricInfo_v2_t, status, cnvml_fabric_v2, status);
  FIELD(nvmlGpuFabricInfo_v2_t, cliqueId, cnvml_fabric_v2, clique);
  FIELD(nvmlGpuFabricInfo_v2_t, state, cnvml_fabric_v2, state);
  FIELD(nvmlGpuFabricInfo_v2_t, healthMask, cnvml_fabric_v2, health);
  VALUE((unsigned int)nvmlGpuFabricInfo_v2, CNVML_FABRIC_V2);
#else
  missing("nvmlGpuFabricInfo_v2_t");
#endif
#ifdef nvmlGpuFabricInfo_v3
  SIZE(nvmlGpuFabricInfo_v3_t, cnvml_fabric_v3);
  FIELD(nvmlGpuFabricInfo_v3_t, clusterUuid, cnvml_fabric_v3, cluster);
  FIELD(nvmlGpuFabricInfo_v3_t, status, cnvml_fabric_v3, status);
  FIELD(nvmlGpuFabricInfo_v3_t, cliqueId, cnvml_fabric_v3, clique);
  FIELD(nvmlGpuFabricInfo_v3_t, state, cnvml_fabric_v3, state);
  FIELD(nvmlGpuFabricInfo_v3_t, healthMask, cnvml_fabric_v3, health);
  FIELD(nvmlGpuFabricInfo_v3_t, healthSummary, cnvml_fabric_v3, summary);
  VALUE((unsigned int)nvmlGpuFabricInfo_v3, CNVML_FABRIC_V3);
#else
  missing("nvmlGpuFabricInfo_v3_t");
#endif
}

static void arguments(void) {
  VALUE(NVML_INIT_FLAG_NO_GPUS, CNVML_INIT_NO_GPUS);
  VALUE(NVML_TEMPERATURE_GPU, CNVML_TEMPERATURE_GPU);
  VALUE(NVML_TEMPERATURE_THRESHOLD_SHUTDOWN, CNVML_THRESHOLD_SHUTDOWN);
  VALUE(NVML_TEMPERATURE_THRESHOLD_SLOWDOWN, CNVML_THRESHOLD_SLOWDOWN);
  VALUE(NVML_CLOCK_GRAPHICS, CNVML_CLOCK_GRAPHICS);
  VALUE(NVML_CLOCK_SM, CNVML_CLOCK_SM);
  VALUE(NVML_CLOCK_MEM, CNVML_CLOCK_MEMORY);
  VALUE(NVML_MEMORY_ERROR_TYPE_CORRECTED, CNVML_ECC_CORRECTED);
  VALUE(NVML_MEMORY_ERROR_TYPE_UNCORRECTED, CNVML_ECC_UNCORRECTED);
  VALUE(NVML_VOLATILE_ECC, CNVML_ECC_VOLATILE);
  VALUE(NVML_AGGREGATE_ECC, CNVML_ECC_AGGREGATE);
  VALUE(NVML_PAGE_RETIREMENT_CAUSE_MULTIPLE_SINGLE_BIT_ECC_ERRORS, CNVML_RETIRED_BY_SINGLE_BIT);
  VALUE(NVML_PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR, CNVML_RETIRED_BY_DOUBLE_BIT);
  VALUE(NVML_P2P_CAPS_INDEX_READ, CNVML_P2P_READ);
  VALUE(NVML_P2P_CAPS_INDEX_WRITE, CNVML_P2P_WRITE);
  VALUE(NVML_P2P_CAPS_INDEX_NVLINK, CNVML_P2P_NVLINK);
  VALUE(NVML_P2P_CAPS_INDEX_ATOMICS, CNVML_P2P_ATOMICS);
  VALUE(NVML_AFFINITY_SCOPE_NODE, CNVML_SCOPE_NODE);
  VALUE(NVML_AFFINITY_SCOPE_SOCKET, CNVML_SCOPE_SOCKET);
  VALUE(NVML_NVLINK_ERROR_DL_REPLAY, CNVML_LINK_ERROR_REPLAY);
  VALUE(NVML_NVLINK_ERROR_DL_RECOVERY, CNVML_LINK_ERROR_RECOVERY);
  VALUE(NVML_NVLINK_ERROR_DL_CRC_FLIT, CNVML_LINK_ERROR_CRC_FLIT);
  VALUE(NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON, CNVML_FIELD_LINK_SPEED);
  VALUE(NVML_FI_DEV_NVLINK_LINK_COUNT, CNVML_FIELD_LINK_COUNT);
#ifdef NVML_FI_DEV_GET_GPU_RECOVERY_ACTION
  VALUE(NVML_FI_DEV_GET_GPU_RECOVERY_ACTION, CNVML_FIELD_RECOVERY_ACTION);
#else
  missing("NVML_FI_DEV_GET_GPU_RECOVERY_ACTION");
#endif
  VALUE(nvmlEventTypeSingleBitEccError, CNVML_EVENT_SINGLE_BIT);
  VALUE(nvmlEventTypeDoubleBitEccError, CNVML_EVENT_DOUBLE_BIT);
  VALUE(nvmlEventTypeXidCriticalError, CNVML_EVENT_XID);
#ifdef nvmlEventTypeFatalPoisonError
  VALUE(nvmlEventTypeSingleBitEccErrorStorm, CNVML_EVENT_SINGLE_BIT_STORM);
  VALUE(nvmlEventTypeDramRetirementEvent, CNVML_EVENT_RETIREMENT);
  VALUE(nvmlEventTypeDramRetirementFailure, CNVML_EVENT_RETIREMENT_FAILED);
  VALUE(nvmlEventTypeFatalPoisonError, CNVML_EVENT_FATAL_POISON);
  VALUE(nvmlEventTypeGpuUnavailableError, CNVML_EVENT_UNAVAILABLE);
  VALUE(nvmlEventTypeGpuRecoveryAction, CNVML_EVENT_RECOVERY_ACTION);
#else
  missing("six later kinds of events");
#endif
  same("name buffer", NVML_DEVICE_NAME_V2_BUFFER_SIZE, CNVML_NAME_BYTES - 1);
  same("UUID buffer", NVML_DEVICE_UUID_V2_BUFFER_SIZE, CNVML_UUID_BYTES - 1);
  same("version buffer", NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE, CNVML_VERSION_BYTES - 1);
}

/// Numbers that Swift has in NVMLReturn, NVLink and topology tables.
static void meanings(void) {
  static const struct {
    const char *name;
    int theirs, ours;
  } codes[] = {
#define CODE(name, number) {#name, name, number}
    CODE(NVML_SUCCESS, 0), CODE(NVML_ERROR_UNINITIALIZED, 1),
    CODE(NVML_ERROR_INVALID_ARGUMENT, 2), CODE(NVML_ERROR_NOT_SUPPORTED, 3),
    CODE(NVML_ERROR_NO_PERMISSION, 4), CODE(NVML_ERROR_ALREADY_INITIALIZED, 5),
    CODE(NVML_ERROR_NOT_FOUND, 6), CODE(NVML_ERROR_INSUFFICIENT_SIZE, 7),
    CODE(NVML_ERROR_INSUFFICIENT_POWER, 8), CODE(NVML_ERROR_DRIVER_NOT_LOADED, 9),
    CODE(NVML_ERROR_TIMEOUT, 10), CODE(NVML_ERROR_IRQ_ISSUE, 11),
    CODE(NVML_ERROR_LIBRARY_NOT_FOUND, 12), CODE(NVML_ERROR_FUNCTION_NOT_FOUND, 13),
    CODE(NVML_ERROR_CORRUPTED_INFOROM, 14), CODE(NVML_ERROR_GPU_IS_LOST, 15),
    CODE(NVML_ERROR_RESET_REQUIRED, 16), CODE(NVML_ERROR_OPERATING_SYSTEM, 17),
    CODE(NVML_ERROR_LIB_RM_VERSION_MISMATCH, 18), CODE(NVML_ERROR_IN_USE, 19),
    CODE(NVML_ERROR_MEMORY, 20), CODE(NVML_ERROR_NO_DATA, 21),
    CODE(NVML_ERROR_VGPU_ECC_NOT_SUPPORTED, 22), CODE(NVML_ERROR_INSUFFICIENT_RESOURCES, 23),
    CODE(NVML_ERROR_FREQ_NOT_SUPPORTED, 24), CODE(NVML_ERROR_ARGUMENT_VERSION_MISMATCH, 25),
    CODE(NVML_ERROR_UNKNOWN, 999),
#if NVML_API_VERSION >= 12
    CODE(NVML_ERROR_DEPRECATED, 26), CODE(NVML_ERROR_NOT_READY, 27),
#endif
#if NVML_API_VERSION >= 13
    CODE(NVML_ERROR_GPU_NOT_FOUND, 28), CODE(NVML_ERROR_INVALID_STATE, 29),
#endif
    CODE(NVML_TOPOLOGY_INTERNAL, 0), CODE(NVML_TOPOLOGY_SINGLE, 10),
    CODE(NVML_TOPOLOGY_MULTIPLE, 20), CODE(NVML_TOPOLOGY_HOSTBRIDGE, 30),
    CODE(NVML_TOPOLOGY_NODE, 40), CODE(NVML_TOPOLOGY_SYSTEM, 50),
    CODE(NVML_P2P_STATUS_OK, 0), CODE(NVML_NVLINK_DEVICE_TYPE_GPU, 0),
    CODE(NVML_NVLINK_DEVICE_TYPE_IBMNPU, 1), CODE(NVML_NVLINK_DEVICE_TYPE_SWITCH, 2),
    CODE(NVML_COMPUTEMODE_DEFAULT, 0), CODE(NVML_COMPUTEMODE_PROHIBITED, 2),
    CODE(NVML_COMPUTEMODE_EXCLUSIVE_PROCESS, 3), CODE(NVML_FEATURE_ENABLED, 1),
    CODE(NVML_GPU_VIRTUALIZATION_MODE_NONE, 0), CODE(NVML_GPU_VIRTUALIZATION_MODE_HOST_VGPU, 3),
  };
  for (size_t index = 0; index < sizeof codes / sizeof codes[0]; index++)
    same(codes[index].name, (unsigned)codes[index].theirs, (unsigned)codes[index].ours);
  VALUE(nvmlClocksThrottleReasonGpuIdle, 0x1);
  VALUE(nvmlClocksThrottleReasonApplicationsClocksSetting, 0x2);
  VALUE(nvmlClocksThrottleReasonSwPowerCap, 0x4);
  VALUE(nvmlClocksThrottleReasonHwSlowdown, 0x8);
  VALUE(nvmlClocksThrottleReasonSyncBoost, 0x10);
  VALUE(nvmlClocksThrottleReasonSwThermalSlowdown, 0x20);
  VALUE(nvmlClocksThrottleReasonHwThermalSlowdown, 0x40);
  VALUE(nvmlClocksThrottleReasonHwPowerBrakeSlowdown, 0x80);
  VALUE(nvmlClocksThrottleReasonDisplayClockSetting, 0x100);
}

int main(void) {
  memory();
  device();
  processes();
  instances();
  health();
  fabric();
  arguments();
  meanings();
  printf(
    "  NVML API %d: %d compared, %d differ, %d not in this header\n", NVML_API_VERSION, compared,
    wrong, skipped);
  return wrong == 0 ? 0 : 1;
}
