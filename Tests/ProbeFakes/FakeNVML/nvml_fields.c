// Field values: many figures in one call, each with a return code of its own.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake_ecc.h"
#include "fake_links.h"
#include "nvml_calls.h"

enum { REAL = 0, U32 = 1, U64 = 3, I64 = 4, I32 = 5, U16 = 6, LARGEST_CALL = 4096 };

/// Fields that are another key of the device. The numbers are NVML's.
static const struct {
  unsigned int field;
  unsigned int type;
  const char *key;
} plain_fields[] = {
  {1, U32, "ecc_mode"},
  {2, U32, "ecc_mode_pending"},
  {29, U32, "retired_pages_corrected"},
  {30, U32, "retired_pages_uncorrected"},
  {31, U32, "retired_pages_pending"},
  {82, U32, "temperature_memory_c"},
  {83, U64, "energy_mj"},
  {91, U32, "nvlinks"},
  {94, U32, "pcie_replay_count"},
  {95, U32, "pcie_replay_rollover_count"},
  {142, U32, "remapped_rows_corrected"},
  {143, U32, "remapped_rows_uncorrected"},
  {144, U32, "remapped_rows_pending"},
  {145, U32, "remapped_rows_failure"},
  {185, U32, "power_average_mw"},
  {186, U32, "power_instant_mw"},
  {187, U32, "power_min_limit_mw"},
  {188, U32, "power_max_limit_mw"},
  {189, U32, "power_default_limit_mw"},
  {190, U32, "power_enforced_limit_mw"},
  {191, U64, "energy_mj"},
  {192, U32, "power_limit_mw"},
  {193, I32, "temperature_shutdown_margin_c"},
  {194, I32, "temperature_slowdown_margin_c"},
  {195, I32, "temperature_memory_max_margin_c"},
  {196, I32, "temperature_gpu_max_margin_c"},
  {226, U32, "reset_required"},
  {227, U32, "drain_and_reset_recommended"},
  {230, U32, "recovery_action"},
};

/// Speed of link L: 84 to 89 for the first six, 90 for all, 132 to 137 for the next six, 164 with
/// the link as scope. MB/s. -1 for any other field, -2 for all links.
static int speed_link(unsigned int field, unsigned int scope) {
  if (field >= 84 && field <= 89) return (int)(field - 84);
  if (field == 90) return -2;
  if (field >= 132 && field <= 137) return (int)(field - 132) + 6;
  if (field == 164) return scope < FAKE_LINKS ? (int)scope : -1;
  return -1;
}

/// Errors: totals are fields 3 to 6, places 7 to 17 volatile and 18 to 28 aggregate, corrected and
/// uncorrected in turn, and at the end uncorrected ones of the CBU. 0 for any other field.
static int ecc_field(const fake_section *section, nvml_field *field, int *code) {
  unsigned int number = field->field;
  if (number < 3 || number > 28) return 0;
  fake_u64 count = 0;
  if (number < 7) {
    *code = fake_ecc_total(section, (number - 3) % 2, (number - 3) / 2, &count);
  } else {
    int counter = number >= 18;
    unsigned int index = number - (counter ? 18 : 7);
    int is_cbu = index == 10;
    *code = fake_ecc_count(
      section, is_cbu ? 1 : (int)(index % 2), counter, is_cbu ? 6 : (int)(index / 2), &count);
  }
  field->type = U64;
  if (*code == FAKE_SUCCESS) field->value.u64 = count;
  return 1;
}

static int link_field(const fake_target *target, int link, nvml_field *field) {
  unsigned int links = fake_link_count(target->board);
  unsigned int number = link < 0 ? 0 : (unsigned int)link;
  if (links == 0) return FAKE_NOT_SUPPORTED;
  if (number >= links) return FAKE_INVALID_ARGUMENT;
  unsigned int speed = 0;
  int code = fake_read_u32(fake_link_section(target, number, "speed_mbps"),
    fake_link_key(target, number, "speed_mbps"), &speed);
  if (code != FAKE_SUCCESS) return code;
  field->type = U32;
  field->value.u32 = speed;
  return FAKE_SUCCESS;
}

/// A field that the file gives by its number: `field 186 = 70000`, with a type before it if that
/// matters (`u32`, `u64`, `i32`, `i64`, `real`; else u64). NOT_FOUND when it gives none.
static int given_field(const fake_section *section, nvml_field *field) {
  char key[32];
  char type[8] = "";
  int used = 0;
  snprintf(key, sizeof key, "field %u", field->field);
  const char *value = fake_section_value(section, key);
  if (value == NULL) return FAKE_NOT_FOUND;
  int code = fake_value_code(value);
  if (code != FAKE_SUCCESS) return code;
  if (sscanf(value, "%7[a-z0-9] %n", type, &used) == 1 && strchr("uir", type[0]) != NULL)
    value += used;
  else
    snprintf(type, sizeof type, "u64");
  int negative = *value == '-';
  fake_u64 number = 0;
  if (strcmp(type, "real") == 0) {
    char *end = NULL;
    field->type = REAL;
    field->value.real = strtod(value, &end);
    return end == value ? FAKE_UNKNOWN : FAKE_SUCCESS;
  }
  if (!fake_number_parse(value + negative, &number)) return FAKE_UNKNOWN;
  if (strcmp(type, "u32") == 0) {
    field->type = U32;
    field->value.u32 = (unsigned int)number;
  } else if (strcmp(type, "i32") == 0) {
    field->type = I32;
    field->value.i32 = negative ? (int)-(long long)(unsigned int)number : (int)number;
  } else if (strcmp(type, "i64") == 0) {
    field->type = I64;
    field->value.i64 = (long long)(negative ? 0 - number : number);
  } else {
    field->type = U64;
    field->value.u64 = number;
  }
  return FAKE_SUCCESS;
}

static int plain_field(const fake_section *section, const char *key, nvml_field *field) {
  int code = FAKE_SUCCESS;
  if (field->type == U64) {
    fake_u64 wide = 0;
    code = fake_read_u64(section, key, &wide);
    if (code == FAKE_SUCCESS) field->value.u64 = wide;
  } else if (field->type == I32) {
    int number = 0;
    code = fake_read_i32(section, key, &number);
    if (code == FAKE_SUCCESS) field->value.i32 = number;
  } else {
    unsigned int number = 0;
    code = fake_read_flag(section, key, &number);
    if (code == FAKE_SUCCESS) field->value.u32 = number;
  }
  return code;
}

static int fill_field(const fake_target *target, nvml_field *field) {
  int code = given_field(target->section, field);
  if (code != FAKE_NOT_FOUND) return code;
  int link = speed_link(field->field, field->scope);
  if (link != -1) return link_field(target, link, field);
  if (ecc_field(target->section, field, &code)) return code;
  for (size_t index = 0; index < sizeof plain_fields / sizeof plain_fields[0]; index++) {
    if (plain_fields[index].field != field->field) continue;
    field->type = plain_fields[index].type;
    code = plain_field(target->section, plain_fields[index].key, field);
    // A pending mode is the current one, instant power the usual one, unless they are given.
    if (code != FAKE_NOT_SUPPORTED) return code;
    if (field->field == 2) return plain_field(target->section, "ecc_mode", field);
    if (field->field == 186) return plain_field(target->section, "power_usage_mw", field);
    return code;
  }
  return field->field == 0 || field->field > 400 ? FAKE_INVALID_ARGUMENT : FAKE_NOT_SUPPORTED;
}

NVML_2018 int nvmlDeviceGetFieldValues(void *device, int count, nvml_field *fields) {
  NVML_BEGIN(fake_begin, "GetFieldValues", device);
  NVML_NEED(fields != NULL && count > 0 && count <= LARGEST_CALL);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  for (int index = 0; index < count; index++) {
    nvml_field *field = &fields[index];
    nvml_field filled = *field;
    filled.timestamp = (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    filled.latency = 1;
    memset(&filled.value, 0, sizeof filled.value);
    filled.code = (unsigned int)fill_field(&target, &filled);
    *field = filled;
  }
  return fake_end(FAKE_SUCCESS);
}
