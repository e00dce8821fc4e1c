// Who a device is: names, numbers, its place on the bus, its modes.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "nvml_calls.h"

NVML_TEXT(NVML_2018, GetSerial, "serial")
NVML_TEXT(NVML_2018, GetVbiosVersion, "vbios_version")
NVML_TEXT(NVML_2018, GetInforomImageVersion, "inforom_image_version")
NVML_TEXT(NVML_2018, GetBoardPartNumber, "board_part_number")
NVML_U32(NVML_2018, GetBrand, "brand")
NVML_U32(NVML_2018, GetBoardId, "board_id")
NVML_FLAG(NVML_2018, GetMultiGpuBoard, "multi_gpu_board")
NVML_FLAG(NVML_2018, GetDisplayMode, "display_mode")
NVML_FLAG(NVML_2018, GetDisplayActive, "display_active")
NVML_FLAG(NVML_2018, GetPersistenceMode, "persistence_mode")
NVML_U32(NVML_2018, GetComputeMode, "compute_mode")
NVML_U32(NVML_2018, GetVirtualizationMode, "virtualization_mode")
NVML_U32(NVML_LATER, GetModuleId, "module_id")
NVML_U32(NVML_LATER, GetNumGpuCores, "cores")
NVML_U32(NVML_LATER, GetMemoryBusWidth, "memory_bus_width")
NVML_U32(NVML_LATER, GetIrqNum, "irq")
NVML_U32(NVML_LATER, GetBusType, "bus_type")
NVML_U32(NVML_2018, GetCurrPcieLinkGeneration, "pcie_gen_current")
NVML_U32(NVML_2018, GetMaxPcieLinkGeneration, "pcie_gen_max")
NVML_U32(NVML_LATER, GetGpuMaxPcieLinkGeneration, "pcie_gen_gpu_max")
NVML_U32(NVML_2018, GetCurrPcieLinkWidth, "pcie_width_current")
NVML_U32(NVML_2018, GetMaxPcieLinkWidth, "pcie_width_max")
NVML_U32(NVML_LATER, GetPcieSpeed, "pcie_speed_mbps")
NVML_U32(NVML_LATER, GetPcieLinkMaxSpeed, "pcie_link_max_speed")
NVML_U32(NVML_2018, GetPcieReplayCounter, "pcie_replay_count")

/// A GPU has a name even when the file gives none; a MIG device that of its GPU and its profile.
NVML_2018 int nvmlDeviceGetName(void *device, char *text, unsigned int bytes) {
  NVML_BEGIN(fake_begin, "GetName", device);
  const char *board = fake_section_value(target.board, "name");
  if (board == NULL) board = "NVIDIA Fake";
  const char *own = fake_section_value(target.section, "name");
  char built[256];
  const char *value = target.kind == FAKE_GPU ? board : own;
  if (value == NULL) {
    const char *profile = fake_text_or(target.section, "profile", NULL);
    NVML_TRY(fake_value_code(board));
    if (profile == NULL) snprintf(built, sizeof built, "%.120s MIG", board);
    else snprintf(built, sizeof built, "%.120s MIG %.100s", board, profile);
    value = built;
  }
  NVML_TRY(fake_value_code(value));
  return fake_end(fake_copy(target.section, value, text, bytes));
}

NVML_2018 int nvmlDeviceGetUUID(void *device, char *text, unsigned int bytes) {
  NVML_BEGIN(fake_begin, "GetUUID", device);
  char uuid[FAKE_UUID_BYTES];
  if (target.kind == FAKE_MIG) NVML_TRY(fake_mig_uuid(target.gpu, target.instance, uuid));
  else NVML_TRY(fake_board_uuid(target.gpu, uuid));
  return fake_end(fake_copy(target.section, uuid, text, bytes));
}

NVML_2018 int nvmlDeviceGetIndex(void *device, unsigned int *index) {
  NVML_BEGIN(fake_begin, "GetIndex", device);
  NVML_NEED(index != NULL);
  *index = target.kind == FAKE_MIG ? target.instance : target.gpu;
  return fake_end(FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceGetMinorNumber(void *device, unsigned int *minor) {
  NVML_BEGIN(fake_begin_gpu, "GetMinorNumber", device);
  NVML_NEED(minor != NULL);
  if (fake_section_value(target.section, "minor_number") != NULL)
    return fake_end(fake_read_u32(target.section, "minor_number", minor));
  *minor = target.gpu;
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetArchitecture(void *device, unsigned int *architecture) {
  static const char *const names[] = {
    "", "", "kepler", "maxwell", "pascal", "volta", "turing", "ampere", "ada", "hopper",
    "blackwell", "", "", "rubin",
  };
  NVML_BEGIN(fake_begin, "GetArchitecture", device);
  NVML_NEED(architecture != NULL);
  const char *value = fake_section_value(target.board, "architecture");
  NVML_TRY(fake_value_code(value));
  for (unsigned int index = 2; index < sizeof names / sizeof names[0]; index++)
    if (names[index][0] != '\0' && strcasecmp(names[index], value) == 0) {
      *architecture = index;
      return fake_end(FAKE_SUCCESS);
    }
  return fake_end(fake_read_u32(target.board, "architecture", architecture));
}

NVML_2018 int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
  NVML_BEGIN(fake_begin, "GetCudaComputeCapability", device);
  NVML_NEED(major != NULL && minor != NULL);
  return fake_end(fake_read_dotted(target.board, "compute_capability", major, minor));
}

NVML_LATER int nvmlDeviceGetGspFirmwareVersion(void *device, char *version) {
  return fake_device_text("GetGspFirmwareVersion", device, "gsp_firmware_version", version, 64);
}

/// `object`: 0 OEM, 1 ECC, 2 power.
NVML_2018 int nvmlDeviceGetInforomVersion(
  void *device, int object, char *version, unsigned int bytes) {
  static const char *const keys[] = {
    "inforom_oem_version", "inforom_ecc_version", "inforom_power_version",
  };
  const char *key = object >= 0 && object < 3 ? keys[object] : "";
  return fake_device_text("GetInforomVersion", device, key, version, bytes);
}

/// Current and pending value of a mode; the pending one is the current one unless it is given.
static int mode_pair(
  const char *call, void *device, const char *key, unsigned int *current, unsigned int *pending) {
  NVML_BEGIN(fake_begin_gpu, call, device);
  NVML_NEED(current != NULL && pending != NULL);
  unsigned int now = 0;
  NVML_TRY(fake_read_flag(target.section, key, &now));
  unsigned int next = now;
  char later[64];
  snprintf(later, sizeof later, "%s_pending", key);
  if (fake_section_value(target.section, later) != NULL)
    NVML_TRY(fake_read_flag(target.section, later, &next));
  *current = now;
  *pending = next;
  return fake_end(FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceGetEccMode(void *device, unsigned int *current, unsigned int *pending) {
  return mode_pair("GetEccMode", device, "ecc_mode", current, pending);
}

NVML_LATER int nvmlDeviceGetMigMode(void *device, unsigned int *current, unsigned int *pending) {
  return mode_pair("GetMigMode", device, "mig_mode", current, pending);
}

NVML_2018 int nvmlDeviceGetGpuOperationMode(
  void *device, unsigned int *current, unsigned int *pending) {
  return mode_pair("GetGpuOperationMode", device, "gpu_operation_mode", current, pending);
}

NVML_2018 int nvmlDeviceGetDriverModel(
  void *device, unsigned int *current, unsigned int *pending) {
  return mode_pair("GetDriverModel", device, "driver_model", current, pending);
}

NVML_LATER int nvmlDeviceGetDriverModel_v2(
  void *device, unsigned int *current, unsigned int *pending) {
  return mode_pair("GetDriverModel_v2", device, "driver_model", current, pending);
}

NVML_FLAG(NVML_LATER, GetDefaultEccMode, "ecc_mode_default")

NVML_LATER int nvmlDeviceGetAddressingMode(void *device, nvml_word *mode) {
  NVML_BEGIN(fake_begin_gpu, "GetAddressingMode", device);
  NVML_NEED(mode != NULL);
  if (mode->version != NVML_VERSION(nvml_word, 1u)) return fake_end(FAKE_VERSION_MISMATCH);
  return fake_end(fake_read_u32(target.section, "addressing_mode", &mode->value));
}

NVML_LATER int nvmlDeviceGetPlatformInfo(void *device, nvml_platform *info) {
  NVML_BEGIN(fake_begin_gpu, "GetPlatformInfo", device);
  NVML_NEED(info != NULL);
  if (info->version != NVML_VERSION(nvml_platform, 1u)
      && info->version != NVML_VERSION(nvml_platform, 2u))
    return fake_end(FAKE_VERSION_MISMATCH);
  unsigned int module = 0;
  NVML_TRY(fake_read_u32(target.section, "module_id", &module));
  nvml_platform filled = {.version = info->version, .module = (unsigned char)module};
  snprintf((char *)filled.chassis_serial, sizeof filled.chassis_serial, "%s",
    fake_text_or(target.section, "chassis_serial", ""));
  filled.slot = (unsigned char)fake_u32_or(target.section, "slot_number", 0);
  filled.tray = (unsigned char)fake_u32_or(target.section, "tray_index", 0);
  filled.host = (unsigned char)fake_u32_or(target.section, "host_id", 0);
  filled.peer_type = (unsigned char)fake_u32_or(target.section, "peer_type", 0);
  *info = filled;
  return fake_end(FAKE_SUCCESS);
}

// MARK: - PCI

static int board_pci(const fake_target *target, nvml_pci *pci) {
  fake_bus bus;
  int code = fake_board_bus(target->gpu, &bus);
  if (code != FAKE_SUCCESS) return code;
  memset(pci, 0, sizeof *pci);
  pci->domain = bus.domain;
  pci->bus = bus.bus;
  pci->device = bus.device;
  pci->device_id = fake_u32_or(target->section, "pci_device_id", 0);
  pci->subsystem_id = fake_u32_or(target->section, "pci_subsystem_id", 0);
  fake_bus_print(&bus, pci->bus_id, sizeof pci->bus_id);
  fake_bus_print_legacy(&bus, pci->bus_id_legacy, sizeof pci->bus_id_legacy);
  return FAKE_SUCCESS;
}

NVML_2018 int nvmlDeviceGetPciInfo_v3(void *device, nvml_pci *pci) {
  NVML_BEGIN(fake_begin_gpu, "GetPciInfo_v3", device);
  NVML_NEED(pci != NULL);
  nvml_pci filled;
  NVML_TRY(board_pci(&target, &filled));
  *pci = filled;
  return fake_end(FAKE_SUCCESS);
}

/// The first two versions have the short text of the place, and reserved words behind.
static int old_pci(const char *call, void *device, nvml_pci_v2 *pci) {
  NVML_BEGIN(fake_begin_gpu, call, device);
  NVML_NEED(pci != NULL);
  nvml_pci filled;
  NVML_TRY(board_pci(&target, &filled));
  memset(pci, 0, sizeof *pci);
  memcpy(pci->bus_id, filled.bus_id_legacy, sizeof pci->bus_id);
  pci->domain = filled.domain;
  pci->bus = filled.bus;
  pci->device = filled.device;
  pci->device_id = filled.device_id;
  pci->subsystem_id = filled.subsystem_id;
  return fake_end(FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceGetPciInfo(void *device, nvml_pci_v2 *pci) {
  return old_pci("GetPciInfo", device, pci);
}

NVML_2018 int nvmlDeviceGetPciInfo_v2(void *device, nvml_pci_v2 *pci) {
  return old_pci("GetPciInfo_v2", device, pci);
}

NVML_LATER int nvmlDeviceGetPciInfoExt(void *device, nvml_pci_ext *pci) {
  NVML_BEGIN(fake_begin_gpu, "GetPciInfoExt", device);
  NVML_NEED(pci != NULL);
  if (pci->version != NVML_VERSION(nvml_pci_ext, 1u)) return fake_end(FAKE_VERSION_MISMATCH);
  nvml_pci filled;
  NVML_TRY(board_pci(&target, &filled));
  *pci = (nvml_pci_ext){
    .version = pci->version, .domain = filled.domain, .bus = filled.bus, .device = filled.device,
    .device_id = filled.device_id, .subsystem_id = filled.subsystem_id, .base_class = 3,
    .sub_class = 2,
  };
  memcpy(pci->bus_id, filled.bus_id, sizeof pci->bus_id);
  return fake_end(FAKE_SUCCESS);
}

/// `counter`: 0 sent, 1 received. KB/s.
NVML_2018 int nvmlDeviceGetPcieThroughput(void *device, int counter, unsigned int *value) {
  NVML_BEGIN(fake_begin, "GetPcieThroughput", device);
  NVML_NEED(value != NULL && (counter == 0 || counter == 1));
  return fake_end(
    fake_read_u32(target.section, counter == 0 ? "pcie_tx_kbps" : "pcie_rx_kbps", value));
}

// MARK: - Memory

/// Bytes of a device: what is free is the rest unless the file says otherwise.
static int memory_of(const fake_section *section, nvml_memory_v2 *memory) {
  memset(memory, 0, sizeof *memory);
  int code = fake_read_u64(section, "memory_total", &memory->total);
  if (code != FAKE_SUCCESS) return code;
  memory->reserved = fake_u64_or(section, "memory_reserved", 0);
  memory->used = fake_u64_or(section, "memory_used", 0);
  memory->free = fake_u64_or(
    section, "memory_free", memory->total - memory->reserved - memory->used);
  return FAKE_SUCCESS;
}

NVML_LATER int nvmlDeviceGetMemoryInfo_v2(void *device, nvml_memory_v2 *memory) {
  NVML_BEGIN(fake_begin, "GetMemoryInfo_v2", device);
  NVML_NEED(memory != NULL);
  if (memory->version != NVML_VERSION(nvml_memory_v2, 2u)) return fake_end(FAKE_VERSION_MISMATCH);
  nvml_memory_v2 filled;
  NVML_TRY(memory_of(target.section, &filled));
  filled.version = memory->version;
  *memory = filled;
  return fake_end(FAKE_SUCCESS);
}

/// The first version counts the driver's own part as used.
NVML_2018 int nvmlDeviceGetMemoryInfo(void *device, nvml_memory *memory) {
  NVML_BEGIN(fake_begin, "GetMemoryInfo", device);
  NVML_NEED(memory != NULL);
  nvml_memory_v2 filled;
  NVML_TRY(memory_of(target.section, &filled));
  *memory = (nvml_memory){filled.total, filled.free, filled.used + filled.reserved};
  return fake_end(FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceGetBAR1MemoryInfo(void *device, nvml_memory *memory) {
  NVML_BEGIN(fake_begin, "GetBAR1MemoryInfo", device);
  NVML_NEED(memory != NULL);
  fake_u64 total = 0;
  NVML_TRY(fake_read_u64(target.section, "bar1_total", &total));
  fake_u64 used = fake_u64_or(target.section, "bar1_used", 0);
  *memory = (nvml_memory){total, fake_u64_or(target.section, "bar1_free", total - used), used};
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetConfComputeMemSizeInfo(void *device, nvml_cc_memory *memory) {
  NVML_BEGIN(fake_begin_gpu, "GetConfComputeMemSizeInfo", device);
  NVML_NEED(memory != NULL);
  fake_u64 size = 0;
  NVML_TRY(fake_read_u64(target.section, "cc_protected_memory", &size));
  *memory = (nvml_cc_memory){size >> 10, fake_u64_or(target.section, "memory_total", 0) >> 10};
  return fake_end(FAKE_SUCCESS);
}
