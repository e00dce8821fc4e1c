// Power, temperatures, clocks and why clocks are held down.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nvml_calls.h"

NVML_U32(NVML_2018, GetPowerUsage, "power_usage_mw")
NVML_U32(NVML_2018, GetPowerManagementLimit, "power_limit_mw")
NVML_U32(NVML_2018, GetEnforcedPowerLimit, "power_enforced_limit_mw")
NVML_U32(NVML_2018, GetPowerManagementDefaultLimit, "power_default_limit_mw")
NVML_FLAG(NVML_2018, GetPowerManagementMode, "power_management")
NVML_U64(NVML_2018, GetTotalEnergyConsumption, "energy_mj")
NVML_U32(NVML_2018, GetPerformanceState, "performance_state")
NVML_U32(NVML_2018, GetPowerState, "performance_state")
NVML_U32(NVML_LATER, GetPowerSource, "power_source")
NVML_U32(NVML_2018, GetFanSpeed, "fan_speed")
NVML_U32(NVML_LATER, GetNumFans, "fans")

NVML_2018 int nvmlDeviceGetPowerManagementLimitConstraints(
  void *device, unsigned int *least, unsigned int *most) {
  NVML_BEGIN(fake_begin, "GetPowerManagementLimitConstraints", device);
  NVML_NEED(least != NULL && most != NULL);
  unsigned int low = 0;
  NVML_TRY(fake_read_u32(target.section, "power_min_limit_mw", &low));
  NVML_TRY(fake_read_u32(target.section, "power_max_limit_mw", most));
  *least = low;
  return fake_end(FAKE_SUCCESS);
}

NVML_LATER int nvmlDeviceGetFanSpeed_v2(void *device, unsigned int fan, unsigned int *speed) {
  NVML_BEGIN(fake_begin_gpu, "GetFanSpeed_v2", device);
  NVML_NEED(speed != NULL);
  unsigned int number = 0;
  NVML_TRY(fake_read_u32(target.section, "fan_speed", &number));
  if (fan >= fake_u32_or(target.section, "fans", 1)) return fake_end(FAKE_INVALID_ARGUMENT);
  *speed = number;
  return fake_end(FAKE_SUCCESS);
}

// MARK: - Temperatures

NVML_2018 int nvmlDeviceGetTemperature(void *device, int sensor, unsigned int *degrees) {
  NVML_BEGIN(fake_begin, "GetTemperature", device);
  NVML_NEED(degrees != NULL && sensor == 0);
  return fake_end(fake_read_u32(target.section, "temperature_c", degrees));
}

NVML_LATER int nvmlDeviceGetTemperatureV(void *device, nvml_temperature *temperature) {
  NVML_BEGIN(fake_begin, "GetTemperatureV", device);
  NVML_NEED(temperature != NULL);
  if (temperature->version != NVML_VERSION(nvml_temperature, 1u))
    return fake_end(FAKE_VERSION_MISMATCH);
  NVML_NEED(temperature->sensor == 0);
  return fake_end(fake_read_i32(target.section, "temperature_c", &temperature->degrees));
}

NVML_2018 int nvmlDeviceGetTemperatureThreshold(
  void *device, int threshold, unsigned int *degrees) {
  static const char *const keys[] = {
    "temperature_shutdown_c", "temperature_slowdown_c", "temperature_memory_max_c",
    "temperature_gpu_max_c", "temperature_acoustic_min_c", "temperature_acoustic_c",
    "temperature_acoustic_max_c", "temperature_gps_c",
  };
  NVML_BEGIN(fake_begin, "GetTemperatureThreshold", device);
  NVML_NEED(degrees != NULL && threshold >= 0 && threshold < 8);
  return fake_end(fake_read_u32(target.section, keys[threshold], degrees));
}

NVML_LATER int nvmlDeviceGetMarginTemperature(void *device, nvml_margin *margin) {
  NVML_BEGIN(fake_begin, "GetMarginTemperature", device);
  NVML_NEED(margin != NULL);
  if (margin->version != NVML_VERSION(nvml_margin, 1u)) return fake_end(FAKE_VERSION_MISMATCH);
  return fake_end(fake_read_i32(target.section, "temperature_margin_c", &margin->margin));
}

// MARK: - Clocks

/// `keys` are those of the clocks 0 graphics, 1 SM, 2 memory, 3 video. MHz.
static int clock_of(
  const char *call, void *device, const char *const keys[4], int clock, unsigned int *mhz) {
  NVML_BEGIN(fake_begin, call, device);
  NVML_NEED(mhz != NULL && clock >= 0 && clock < 4);
  return fake_end(fake_read_u32(target.section, keys[clock], mhz));
}

static const char *const current_clocks[] = {
  "clock_graphics_mhz", "clock_sm_mhz", "clock_memory_mhz", "clock_video_mhz",
};
static const char *const max_clocks[] = {
  "max_clock_graphics_mhz", "max_clock_sm_mhz", "max_clock_memory_mhz", "max_clock_video_mhz",
};
static const char *const application_clocks[] = {
  "application_clock_graphics_mhz", "application_clock_sm_mhz", "application_clock_memory_mhz", "",
};
static const char *const default_clocks[] = {
  "default_clock_graphics_mhz", "default_clock_sm_mhz", "default_clock_memory_mhz", "",
};
static const char *const boost_clocks[] = {
  "boost_clock_graphics_mhz", "boost_clock_sm_mhz", "boost_clock_memory_mhz", "",
};

NVML_2018 int nvmlDeviceGetClockInfo(void *device, int clock, unsigned int *mhz) {
  return clock_of("GetClockInfo", device, current_clocks, clock, mhz);
}

NVML_2018 int nvmlDeviceGetMaxClockInfo(void *device, int clock, unsigned int *mhz) {
  return clock_of("GetMaxClockInfo", device, max_clocks, clock, mhz);
}

NVML_2018 int nvmlDeviceGetApplicationsClock(void *device, int clock, unsigned int *mhz) {
  return clock_of("GetApplicationsClock", device, application_clocks, clock, mhz);
}

NVML_2018 int nvmlDeviceGetDefaultApplicationsClock(void *device, int clock, unsigned int *mhz) {
  return clock_of("GetDefaultApplicationsClock", device, default_clocks, clock, mhz);
}

NVML_2018 int nvmlDeviceGetMaxCustomerBoostClock(void *device, int clock, unsigned int *mhz) {
  return clock_of("GetMaxCustomerBoostClock", device, boost_clocks, clock, mhz);
}

/// `which`: 0 current, 1 application target, 2 application default, 3 customer boost.
NVML_2018 int nvmlDeviceGetClock(void *device, int clock, int which, unsigned int *mhz) {
  const char *const *const sets[] = {
    current_clocks, application_clocks, default_clocks, boost_clocks,
  };
  int known = which >= 0 && which < 4;
  return clock_of("GetClock", device, sets[known ? which : 0], known ? clock : -1, mhz);
}

/// Copies a list of clocks as every call with a count does: the count is always told.
static int give_clocks(
  const fake_section *section, const char *key, unsigned int *count, unsigned int *clocks) {
  const char *value = fake_section_value(section, key);
  int code = fake_value_code(value);
  if (code != FAKE_SUCCESS) return code;
  unsigned int found = 0;
  unsigned int room = clocks == NULL ? 0 : *count;
  unsigned int mhz = 0;
  unsigned int unused = 0;
  for (const char *at = value; fake_pair_next(&at, 0, &mhz, &unused); found++)
    if (found < room) clocks[found] = mhz;
  *count = found;
  return found > room ? FAKE_INSUFFICIENT_SIZE : FAKE_SUCCESS;
}

NVML_2018 int nvmlDeviceGetSupportedMemoryClocks(
  void *device, unsigned int *count, unsigned int *clocks) {
  NVML_BEGIN(fake_begin_gpu, "GetSupportedMemoryClocks", device);
  NVML_NEED(count != NULL);
  return fake_end(give_clocks(target.section, "supported_memory_clocks", count, clocks));
}

NVML_2018 int nvmlDeviceGetSupportedGraphicsClocks(
  void *device, unsigned int memory, unsigned int *count, unsigned int *clocks) {
  NVML_BEGIN(fake_begin_gpu, "GetSupportedGraphicsClocks", device);
  NVML_NEED(count != NULL);
  NVML_TRY(fake_value_code(fake_section_value(target.section, "supported_memory_clocks")));
  const fake_section *clocks_of = fake_gpu_part(target.gpu, "clocks", memory);
  if (clocks_of == NULL) return fake_end(FAKE_NOT_FOUND);
  return fake_end(give_clocks(clocks_of, "graphics", count, clocks));
}

// MARK: - Reasons

/// Bits, or names separated by blanks or commas.
static int read_reasons(const fake_section *section, const char *key, fake_u64 *reasons) {
  static const struct {
    const char *name;
    fake_u64 bit;
  } names[] = {
    {"none", 0}, {"idle", 1}, {"applications", 2}, {"sw_power_cap", 4}, {"hw_slowdown", 8},
    {"sync_boost", 0x10}, {"sw_thermal", 0x20}, {"hw_thermal", 0x40}, {"hw_power_brake", 0x80},
    {"display", 0x100}, {"board_limit", 0x200}, {"reliability", 0x400},
  };
  const char *value = fake_section_value(section, key);
  int code = fake_value_code(value);
  if (code != FAKE_SUCCESS) return code;
  if (fake_number_parse(value, reasons)) return FAKE_SUCCESS;
  fake_u64 bits = 0;
  while (*value != '\0') {
    size_t length = strcspn(value, ", ");
    int known = length == 0;
    for (size_t index = 0; index < sizeof names / sizeof names[0] && length > 0; index++)
      if (strlen(names[index].name) == length && strncmp(names[index].name, value, length) == 0) {
        bits |= names[index].bit;
        known = 1;
      }
    if (!known) return FAKE_UNKNOWN;
    value += length;
    if (*value != '\0') value++;
  }
  *reasons = bits;
  return FAKE_SUCCESS;
}

static int reasons_of(const char *call, void *device, const char *key, fake_u64 *reasons) {
  NVML_BEGIN(fake_begin, call, device);
  NVML_NEED(reasons != NULL);
  return fake_end(read_reasons(target.section, key, reasons));
}

NVML_2018 int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, fake_u64 *reasons) {
  return reasons_of("GetCurrentClocksThrottleReasons", device, "clocks_event_reasons", reasons);
}

NVML_LATER int nvmlDeviceGetCurrentClocksEventReasons(void *device, fake_u64 *reasons) {
  return reasons_of("GetCurrentClocksEventReasons", device, "clocks_event_reasons", reasons);
}

NVML_2018 int nvmlDeviceGetSupportedClocksThrottleReasons(void *device, fake_u64 *reasons) {
  return reasons_of(
    "GetSupportedClocksThrottleReasons", device, "clocks_event_reasons_supported", reasons);
}

NVML_LATER int nvmlDeviceGetSupportedClocksEventReasons(void *device, fake_u64 *reasons) {
  return reasons_of(
    "GetSupportedClocksEventReasons", device, "clocks_event_reasons_supported", reasons);
}

/// Microseconds that a policy held the clocks down; both times in nanoseconds for the caller.
NVML_2018 int nvmlDeviceGetViolationStatus(void *device, int policy, nvml_violation *time) {
  static const char *const keys[] = {
    "violation_power_us", "violation_thermal_us", "violation_sync_boost_us",
    "violation_board_limit_us", "violation_low_utilization_us", "violation_reliability_us",
  };
  NVML_BEGIN(fake_begin_gpu, "GetViolationStatus", device);
  NVML_NEED(time != NULL && policy >= 0 && policy < 12);
  if (policy > 5) return fake_end(FAKE_NOT_SUPPORTED);
  fake_u64 held = 0;
  NVML_TRY(fake_read_u64(target.section, keys[policy], &held));
  *time = (nvml_violation){fake_now_ms() * 1000, held * 1000};
  return fake_end(FAKE_SUCCESS);
}
