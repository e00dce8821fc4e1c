// NVLink, fabric, topology, affinity.
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake_links.h"
#include "nvml_calls.h"

/// Begins a call on one link. A GPU in MIG mode refuses them, as does one without links.
static int begin_link(const char *call, void *device, unsigned int link, fake_target *target) {
  int code = fake_begin_gpu(call, device, target);
  if (code != FAKE_SUCCESS) return code;
  unsigned int mode = 0;
  (void)fake_read_flag(target->board, "mig_mode", &mode);
  unsigned int links = fake_link_count(target->board);
  if (mode != 0 || links == 0) return fake_end(FAKE_NOT_SUPPORTED);
  if (link >= links) return fake_end(FAKE_INVALID_ARGUMENT);
  return FAKE_SUCCESS;
}

NVML_2018 int nvmlDeviceGetNvLinkState(void *device, unsigned int link, unsigned int *active) {
  fake_target target;
  int code = begin_link("GetNvLinkState", device, link, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(active != NULL);
  unsigned int state = 1;
  if (fake_link_value(&target, link, "state") != NULL)
    NVML_TRY(fake_read_flag(fake_link_section(&target, link, "state"),
      fake_link_key(&target, link, "state"), &state));
  *active = state;
  return fake_end(FAKE_SUCCESS);
}

/// A number that a link has: its own, or that of all links of the GPU.
static int link_u64(
  const char *call, void *device, unsigned int link, const char *key, fake_u64 *number) {
  fake_target target;
  int code = begin_link(call, device, link, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(number != NULL);
  return fake_end(fake_read_u64(
    fake_link_section(&target, link, key), fake_link_key(&target, link, key), number));
}

/// The version is an enum: 1 is NVLink 1, 2 and 3 are 2, 4 and 5 are 3, 6 is 4, 7 is 5.
NVML_2018 int nvmlDeviceGetNvLinkVersion(void *device, unsigned int link, unsigned int *version) {
  fake_u64 number = 0;
  int code = link_u64(
    "GetNvLinkVersion", device, link, "version", version == NULL ? NULL : &number);
  if (code == FAKE_SUCCESS) *version = (unsigned int)number;
  return code;
}

/// `counter`: 0 replay, 1 recovery, 2 CRC of flits, 3 CRC of data, 4 ECC of data.
NVML_2018 int nvmlDeviceGetNvLinkErrorCounter(
  void *device, unsigned int link, int counter, fake_u64 *value) {
  static const char *const keys[] = {
    "replay_errors", "recovery_errors", "crc_flit_errors", "crc_data_errors", "ecc_data_errors",
  };
  int known = counter >= 0 && counter < 5;
  return link_u64(
    "GetNvLinkErrorCounter", device, link, keys[known ? counter : 0], known ? value : NULL);
}

NVML_2018 int nvmlDeviceGetNvLinkCapability(
  void *device, unsigned int link, int capability, unsigned int *value) {
  fake_target target;
  int code = begin_link("GetNvLinkCapability", device, link, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(value != NULL && capability >= 0 && capability < 6);
  // P2P, access to system memory, P2P atomics, system memory atomics, SLI bridge, validity.
  const fake_section *section = fake_link_section(&target, link, "capabilities");
  const char *key = fake_link_key(&target, link, "capabilities");
  *value = (fake_u32_or(section, key, 1) >> capability) & 1;
  return fake_end(FAKE_SUCCESS);
}

static int remote(
  const char *call, void *device, unsigned int link, fake_remote *found, fake_target *target) {
  int code = begin_link(call, device, link, target);
  if (code != FAKE_SUCCESS) return code;
  code = fake_link_remote(target, link, found);
  return code == FAKE_SUCCESS ? code : fake_end(code);
}

/// 0 GPU, 1 IBM NPU, 2 switch, 255 unknown.
NVML_LATER int nvmlDeviceGetNvLinkRemoteDeviceType(
  void *device, unsigned int link, unsigned int *type) {
  fake_target target;
  fake_remote found;
  int code = remote("GetNvLinkRemoteDeviceType", device, link, &found, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(type != NULL);
  *type = found.type;
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetNvLinkRemotePciInfo_v2(void *device, unsigned int link, nvml_pci *pci) {
  fake_target target;
  fake_remote found;
  int code = remote("GetNvLinkRemotePciInfo_v2", device, link, &found, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(pci != NULL);
  if (!found.has_bus) return fake_end(FAKE_NOT_SUPPORTED);
  nvml_pci filled = {
    .domain = found.bus.domain, .bus = found.bus.bus, .device = found.bus.device,
    .device_id = found.device_id,
  };
  fake_bus_print(&found.bus, filled.bus_id, sizeof filled.bus_id);
  fake_bus_print_legacy(&found.bus, filled.bus_id_legacy, sizeof filled.bus_id_legacy);
  *pci = filled;
  return fake_end(FAKE_SUCCESS);
}

NVML_2018 int nvmlDeviceGetNvLinkRemotePciInfo(void *device, unsigned int link, nvml_pci_v2 *pci) {
  fake_target target;
  fake_remote found;
  int code = remote("GetNvLinkRemotePciInfo", device, link, &found, &target);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(pci != NULL);
  if (!found.has_bus) return fake_end(FAKE_NOT_SUPPORTED);
  nvml_pci_v2 filled = {
    .domain = found.bus.domain, .bus = found.bus.bus, .device = found.bus.device,
    .device_id = found.device_id,
  };
  fake_bus_print_legacy(&found.bus, filled.bus_id, sizeof filled.bus_id);
  *pci = filled;
  return fake_end(FAKE_SUCCESS);
}

// MARK: - Fabric

/// Reads the sixteen bytes of a UUID's text; what is not hexadecimal is skipped.
static void read_cluster(const char *text, unsigned char cluster[16]) {
  unsigned int digits = 0;
  memset(cluster, 0, 16);
  for (; *text != '\0' && digits < 32; text++) {
    const char *hex = "0123456789abcdef";
    const char *found = strchr(hex, *text >= 'A' && *text <= 'F' ? *text + 32 : *text);
    if (found == NULL) continue;
    cluster[digits / 2] |= (unsigned char)((found - hex) << (digits % 2 == 0 ? 4 : 0));
    digits++;
  }
}

static int fabric_of(const fake_section *section, nvml_fabric_v3 *fabric) {
  unsigned int state = 0;
  int code = fake_read_u32(section, "fabric_state", &state);
  if (code != FAKE_SUCCESS) return code;
  memset(fabric, 0, sizeof *fabric);
  fabric->state = (unsigned char)state;
  fabric->status = fake_u32_or(section, "fabric_status", 0);
  fabric->clique = fake_u32_or(section, "fabric_clique", 0);
  fabric->health_mask = fake_u32_or(section, "fabric_health_mask", 0);
  fabric->summary = (unsigned char)fake_u32_or(section, "fabric_health_summary", 0);
  read_cluster(fake_text_or(section, "fabric_cluster", ""), fabric->cluster);
  return FAKE_SUCCESS;
}

NVML_LATER int nvmlDeviceGetGpuFabricInfo(void *device, nvml_fabric *info) {
  NVML_BEGIN(fake_begin_gpu, "GetGpuFabricInfo", device);
  NVML_NEED(info != NULL);
  nvml_fabric_v3 all;
  NVML_TRY(fabric_of(target.section, &all));
  nvml_fabric filled = {.status = all.status, .clique = all.clique, .state = all.state};
  memcpy(filled.cluster, all.cluster, sizeof filled.cluster);
  *info = filled;
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetGpuFabricInfoV(void *device, nvml_fabric_v3 *info) {
  NVML_BEGIN(fake_begin_gpu, "GetGpuFabricInfoV", device);
  NVML_NEED(info != NULL);
  int second = info->version == NVML_VERSION(nvml_fabric_v2, 2u);
  if (!second && info->version != NVML_VERSION(nvml_fabric_v3, 3u))
    return fake_end(FAKE_VERSION_MISMATCH);
  if (!second && fake_u32_or(fake_driver(), "fabric_version", 3) < 3)
    return fake_end(FAKE_VERSION_MISMATCH);
  nvml_fabric_v3 filled;
  NVML_TRY(fabric_of(target.section, &filled));
  filled.version = info->version;
  memcpy(info, &filled, second ? sizeof(nvml_fabric_v2) : sizeof filled);
  return fake_end(FAKE_SUCCESS);
}

// MARK: - Topology

/// Begins a call on two GPUs.
static int begin_pair(
  const char *call, void *first, void *second, fake_target *one, unsigned int *other) {
  int code = fake_begin_gpu(call, second, one);
  if (code != FAKE_SUCCESS) return code;
  *other = one->gpu;
  (void)fake_end(FAKE_SUCCESS);
  code = fake_begin_gpu(call, first, one);
  if (code == FAKE_SUCCESS && fake_gpu_section(*other) == NULL)
    return fake_end(FAKE_INVALID_ARGUMENT);
  return code;
}

/// 0 internal, 10 single, 20 multiple, 30 host bridge, 40 node, 50 system.
NVML_2018 int nvmlDeviceGetTopologyCommonAncestor(
  void *first, void *second, unsigned int *level) {
  fake_target target;
  unsigned int other = 0;
  int code = begin_pair("GetTopologyCommonAncestor", first, second, &target, &other);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(level != NULL);
  return fake_end(fake_pair_level(target.gpu, other, level));
}

/// `index`: 0 read, 1 write, 2 NVLink, 3 atomics, 4 PCI; 0 is OK, 5 not supported.
NVML_2018 int nvmlDeviceGetP2PStatus(void *first, void *second, int index, unsigned int *status) {
  fake_target target;
  unsigned int other = 0;
  int code = begin_pair("GetP2PStatus", first, second, &target, &other);
  if (code != FAKE_SUCCESS) return code;
  NVML_NEED(status != NULL && index >= 0 && index < 5);
  return fake_end(fake_pair_p2p(target.gpu, other, (unsigned int)index, status));
}

/// GPUs that are at that level or nearer, without the GPU itself.
NVML_2018 int nvmlDeviceGetTopologyNearestGpus(
  void *device, unsigned int level, unsigned int *count, void **devices) {
  NVML_BEGIN(fake_begin_gpu, "GetTopologyNearestGpus", device);
  NVML_NEED(count != NULL);
  unsigned int room = devices == NULL ? 0 : *count;
  unsigned int found = 0;
  for (unsigned int gpu = 0; gpu < FAKE_GPUS; gpu++) {
    unsigned int between = 0;
    if (gpu == target.gpu || fake_gpu_section(gpu) == NULL) continue;
    if (fake_pair_level(target.gpu, gpu, &between) != FAKE_SUCCESS || between != level) continue;
    if (found < room) devices[found] = fake_handle(FAKE_GPU, gpu, 0, 0);
    found++;
  }
  // A count of zero asks how many there are; another one is filled as far as it goes.
  *count = room == 0 || found < room ? found : room;
  return fake_end(FAKE_SUCCESS);
}

// MARK: - Affinity

static int mask(
  const char *call, void *device, const char *key, const char *second, unsigned int words,
  unsigned long *set) {
  NVML_BEGIN(fake_begin, call, device);
  NVML_NEED(set != NULL && words > 0);
  const char *value = fake_section_value(target.board, key);
  if (value == NULL) value = fake_section_value(target.board, second);
  NVML_TRY(fake_value_code(value));
  return fake_end(fake_mask_parse(value, set, words));
}

NVML_2018 int nvmlDeviceGetCpuAffinity(void *device, unsigned int words, unsigned long *set) {
  return mask("GetCpuAffinity", device, "cpu_affinity", "cpu_affinity", words, set);
}

/// `scope`: 0 NUMA node, 1 socket.
NVML_LATER int nvmlDeviceGetCpuAffinityWithinScope(
  void *device, unsigned int words, unsigned long *set, unsigned int scope) {
  const char *key = scope == 0 ? "cpu_affinity" : "cpu_affinity_socket";
  return mask(
    "GetCpuAffinityWithinScope", device, key, "cpu_affinity", words, scope > 1 ? NULL : set);
}

NVML_LATER int nvmlDeviceGetMemoryAffinity(
  void *device, unsigned int words, unsigned long *set, unsigned int scope) {
  const char *key = scope == 0 ? "memory_affinity" : "memory_affinity_socket";
  return mask("GetMemoryAffinity", device, key, "memory_affinity", words, scope > 1 ? NULL : set);
}

/// The node of the GPU's own memory, which only coherent boards have.
NVML_U32(NVML_LATER, GetNumaNodeId, "numa_node_id")
