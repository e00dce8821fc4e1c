#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "fake_state.h"

int fake_copy(const fake_section *section, const char *value, char *text, unsigned int bytes) {
  if (text == NULL) return FAKE_INVALID_ARGUMENT;
  size_t length = strlen(value);
  if (strcmp(fake_text_or(section, "text", ""), "unterminated") == 0) {
    for (unsigned int index = 0; index < bytes; index++)
      text[index] = length == 0 ? 'x' : value[index % length];
    return FAKE_SUCCESS;
  }
  if (length >= bytes) return FAKE_INSUFFICIENT_SIZE;
  memcpy(text, value, length + 1);
  return FAKE_SUCCESS;
}

int fake_device_u32(const char *call, void *device, const char *key, unsigned int *number) {
  fake_target target;
  int code = fake_begin(call, device, &target);
  if (code != FAKE_SUCCESS) return code;
  if (number == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  return fake_end(fake_read_u32(target.section, key, number));
}

int fake_device_flag(const char *call, void *device, const char *key, unsigned int *flag) {
  fake_target target;
  int code = fake_begin(call, device, &target);
  if (code != FAKE_SUCCESS) return code;
  if (flag == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  return fake_end(fake_read_flag(target.section, key, flag));
}

int fake_device_u64(const char *call, void *device, const char *key, fake_u64 *number) {
  fake_target target;
  int code = fake_begin(call, device, &target);
  if (code != FAKE_SUCCESS) return code;
  if (number == NULL) return fake_end(FAKE_INVALID_ARGUMENT);
  return fake_end(fake_read_u64(target.section, key, number));
}

int fake_device_text(
  const char *call, void *device, const char *key, char *text, unsigned int bytes) {
  fake_target target;
  int code = fake_begin(call, device, &target);
  if (code != FAKE_SUCCESS) return code;
  const char *value = fake_section_value(target.section, key);
  code = fake_value_code(value);
  if (code != FAKE_SUCCESS) return fake_end(code);
  return fake_end(fake_copy(target.section, value, text, bytes));
}
