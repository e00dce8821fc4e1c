#define _GNU_SOURCE
#include "fake_links.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

unsigned int fake_link_count(const fake_section *board) {
  unsigned int links = fake_u32_or(board, "nvlinks", 0);
  return links < FAKE_LINKS ? links : FAKE_LINKS;
}

static const struct {
  const char *own;
  const char *all;
} link_keys[] = {
  {"state", "nvlink_state"}, {"version", "nvlink_version"}, {"remote", "nvlink_remote"},
  {"speed_mbps", "nvlink_speed_mbps"}, {"capabilities", "nvlink_capabilities"},
  {"replay_errors", "nvlink_replay_errors"}, {"recovery_errors", "nvlink_recovery_errors"},
  {"crc_flit_errors", "nvlink_crc_flit_errors"}, {"crc_data_errors", "nvlink_crc_data_errors"},
  {"ecc_data_errors", "nvlink_ecc_data_errors"},
};

const fake_section *fake_link_section(
  const fake_target *target, unsigned int link, const char *name) {
  const fake_section *own = fake_gpu_part(target->gpu, "link", link);
  return fake_section_value(own, name) != NULL ? own : target->board;
}

const char *fake_link_key(const fake_target *target, unsigned int link, const char *name) {
  if (fake_link_section(target, link, name) != target->board) return name;
  for (size_t index = 0; index < sizeof link_keys / sizeof link_keys[0]; index++)
    if (strcmp(link_keys[index].own, name) == 0) return link_keys[index].all;
  return name;
}

const char *fake_link_value(const fake_target *target, unsigned int link, const char *name) {
  return fake_section_value(
    fake_link_section(target, link, name), fake_link_key(target, link, name));
}

/// Device ids of what sits at the other end, as NVML prints them: an NVSwitch of the third
/// generation and the NPU of a POWER9.
enum { SWITCH_ID = 0x22A310DE, NPU_ID = 0x04EA1014 };

int fake_link_remote(const fake_target *target, unsigned int link, fake_remote *remote) {
  const char *value = fake_link_value(target, link, "remote");
  int code = fake_value_code(value);
  if (code != FAKE_SUCCESS) return code;
  *remote = (fake_remote){0xFF, 0, {0, 0, 0}, 0};
  unsigned int gpu = 0;
  int used = 0;
  char kind[16] = "";
  if (sscanf(value, "gpu %9u%n", &gpu, &used) == 1 && value[used] == '\0') {
    if (gpu >= FAKE_GPUS || fake_gpu_section(gpu) == NULL) return FAKE_UNKNOWN;
    remote->type = 0;
    remote->device_id = fake_u32_or(fake_gpu_section(gpu), "pci_device_id", 0);
    remote->has_bus = fake_board_bus(gpu, &remote->bus) == FAKE_SUCCESS;
    return FAKE_SUCCESS;
  }
  used = 0;
  if (sscanf(value, "%15[a-z]%n", kind, &used) == 1) {
    if (strcmp(kind, "switch") == 0) *remote = (fake_remote){2, 1, {0, 0xF0, 0}, SWITCH_ID};
    else if (strcmp(kind, "npu") == 0) *remote = (fake_remote){1, 1, {4, 0, 0}, NPU_ID};
    else if (strcmp(kind, "unknown") != 0) return FAKE_UNKNOWN;
    value += used;
    while (*value == ' ') value++;
    if (*value == '\0') return FAKE_SUCCESS;
  } else {
    remote->type = 0;
  }
  remote->has_bus = fake_bus_parse(value, &remote->bus);
  return remote->has_bus ? FAKE_SUCCESS : FAKE_UNKNOWN;
}

// MARK: - Pairs

/// The section `[gpu A peer B]`, in whichever order it stands.
static const fake_section *pair_section(unsigned int first, unsigned int second) {
  const fake_section *section = fake_gpu_part(first, "peer", second);
  return section != NULL ? section : fake_gpu_part(second, "peer", first);
}

int fake_pair_level(unsigned int first, unsigned int second, unsigned int *level) {
  static const struct {
    const char *name;
    unsigned int level;
  } names[] = {
    {"internal", 0}, {"single", 10}, {"multiple", 20}, {"hostbridge", 30}, {"node", 40},
    {"system", 50},
  };
  if (first == second) {
    *level = 0;
    return FAKE_SUCCESS;
  }
  const fake_section *section = pair_section(first, second);
  const char *key = "ancestor";
  if (fake_section_value(section, key) == NULL) section = fake_driver();
  const char *value = fake_section_value(section, key);
  if (value == NULL) {
    // GPUs near the same CPUs share a NUMA node; nothing is known of others.
    const char *one = fake_text_or(fake_gpu_section(first), "cpu_affinity", NULL);
    const char *two = fake_text_or(fake_gpu_section(second), "cpu_affinity", NULL);
    if (one == NULL || two == NULL) return FAKE_NOT_SUPPORTED;
    *level = strcmp(one, two) == 0 ? 40 : 50;
    return FAKE_SUCCESS;
  }
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++)
    if (strcasecmp(names[index].name, value) == 0) {
      *level = names[index].level;
      return FAKE_SUCCESS;
    }
  return fake_read_u32(section, key, level);
}

/// True when a link of `first` that is up leads to `second`.
static int links_to(unsigned int first, unsigned int second) {
  fake_target target = {FAKE_GPU, first, 0, 0, fake_gpu_section(first), fake_gpu_section(first)};
  fake_bus bus;
  if (target.board == NULL || fake_board_bus(second, &bus) != FAKE_SUCCESS) return 0;
  unsigned int links = fake_link_count(target.board);
  for (unsigned int link = 0; link < links; link++) {
    fake_remote remote;
    unsigned int state = 1;
    (void)fake_read_flag(fake_link_section(&target, link, "state"),
      fake_link_key(&target, link, "state"), &state);
    if (state == 0 || fake_link_remote(&target, link, &remote) != FAKE_SUCCESS) continue;
    if (remote.type == 0 && remote.has_bus && remote.bus.domain == bus.domain
        && remote.bus.bus == bus.bus && remote.bus.device == bus.device)
      return 1;
  }
  return 0;
}

/// True when both hang on switches that have come up, in one clique.
static int share_fabric(unsigned int first, unsigned int second) {
  const fake_section *one = fake_gpu_section(first);
  const fake_section *two = fake_gpu_section(second);
  const unsigned int completed = 3;
  return fake_u32_or(one, "fabric_state", 0) == completed
    && fake_u32_or(two, "fabric_state", 0) == completed
    && fake_u32_or(one, "fabric_status", 0) == 0 && fake_u32_or(two, "fabric_status", 0) == 0
    && fake_u32_or(one, "fabric_clique", 0) == fake_u32_or(two, "fabric_clique", 1)
    && strcmp(fake_text_or(one, "fabric_cluster", ""), fake_text_or(two, "fabric_cluster", ""))
      == 0;
}

/// True when both have links that lead to switches: boards before Hopper report no fabric.
static int share_switches(unsigned int first, unsigned int second) {
  const unsigned int pair[] = {first, second};
  for (size_t index = 0; index < 2; index++) {
    const fake_section *board = fake_gpu_section(pair[index]);
    fake_target target = {FAKE_GPU, pair[index], 0, 0, board, board};
    fake_remote remote;
    if (fake_link_count(board) == 0 || fake_section_value(board, "fabric_state") != NULL) return 0;
    if (fake_link_remote(&target, 0, &remote) != FAKE_SUCCESS || remote.type != 2) return 0;
  }
  return 1;
}

int fake_pair_p2p(
  unsigned int first, unsigned int second, unsigned int index, unsigned int *status) {
  static const char *const keys[] = {
    "p2p_read", "p2p_write", "p2p_nvlink", "p2p_atomics", "p2p_pci",
  };
  enum { NVLINK = 2, OK = 0, UNSUPPORTED = 5 };
  const fake_section *section = pair_section(first, second);
  if (fake_section_value(section, keys[index]) != NULL)
    return fake_read_u32(section, keys[index], status);
  if (fake_section_value(fake_driver(), keys[index]) != NULL)
    return fake_read_u32(fake_driver(), keys[index], status);
  if (first == second) return FAKE_INVALID_ARGUMENT;
  int linked = links_to(first, second) || links_to(second, first) || share_fabric(first, second)
    || share_switches(first, second);
  *status = index == NVLINK && !linked ? UNSUPPORTED : OK;
  return FAKE_SUCCESS;
}
