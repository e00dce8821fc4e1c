#include "fake_values.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
  int code;
  const char *name;
  const char *text;
} fake_code;

// Names and words as nvidia-ml-py (BSD-3-Clause) and the 535 library give them.
static const fake_code codes[] = {
  {0, "SUCCESS", "Success"},
  {1, "UNINITIALIZED", "Uninitialized"},
  {2, "INVALID_ARGUMENT", "Invalid Argument"},
  {3, "NOT_SUPPORTED", "Not Supported"},
  {4, "NO_PERMISSION", "Insufficient Permissions"},
  {5, "ALREADY_INITIALIZED", "Already Initialized"},
  {6, "NOT_FOUND", "Not Found"},
  {7, "INSUFFICIENT_SIZE", "Insufficient Size"},
  {8, "INSUFFICIENT_POWER", "Insufficient External Power"},
  {9, "DRIVER_NOT_LOADED", "Driver Not Loaded"},
  {10, "TIMEOUT", "Timeout"},
  {11, "IRQ_ISSUE", "Interrupt Request Issue"},
  {12, "LIBRARY_NOT_FOUND", "NVML Shared Library Not Found"},
  {13, "FUNCTION_NOT_FOUND", "Function Not Found"},
  {14, "CORRUPTED_INFOROM", "Corrupted infoROM"},
  {15, "GPU_IS_LOST", "GPU is lost"},
  {16, "RESET_REQUIRED", "GPU requires reset"},
  {17, "OPERATING_SYSTEM", "GPU access blocked by the operating system"},
  {18, "LIB_RM_VERSION_MISMATCH", "Driver/library version mismatch"},
  {19, "IN_USE", "In use by another client"},
  {20, "MEMORY", "Insufficient Memory"},
  {21, "NO_DATA", "No data"},
  {22, "VGPU_ECC_NOT_SUPPORTED", "vGPU ECC not supported"},
  {23, "INSUFFICIENT_RESOURCES", "Insufficient Resources"},
  {24, "FREQ_NOT_SUPPORTED", "Invalid Frequency"},
  {25, "ARGUMENT_VERSION_MISMATCH", "Argument version mismatch"},
  {26, "DEPRECATED", "Requested functionality has been deprecated"},
  {27, "NOT_READY", "System is not in ready state"},
  {28, "GPU_NOT_FOUND", "No GPUs were found"},
  {29, "INVALID_STATE", "Invalid State"},
  {30, "RESET_TYPE_NOT_SUPPORTED", "Reset type is not supported"},
  {999, "UNKNOWN", "Unknown Error"},
};

enum { CODES = sizeof codes / sizeof codes[0] };

const char *fake_code_text(int code) {
  for (size_t index = 0; index < CODES; index++)
    if (codes[index].code == code) return codes[index].text;
  return "Unknown Error";
}

int fake_code_parse(const char *text, size_t length, int *code) {
  static const char prefix[] = "NVML_ERROR_";
  if (length > sizeof prefix - 1 && strncmp(text, prefix, sizeof prefix - 1) == 0) {
    text += sizeof prefix - 1;
    length -= sizeof prefix - 1;
  }
  for (size_t index = 0; index < CODES; index++)
    if (strlen(codes[index].name) == length && strncmp(codes[index].name, text, length) == 0) {
      *code = codes[index].code;
      return 1;
    }
  if (length == 0 || length > 9) return 0;
  int number = 0;
  for (size_t index = 0; index < length; index++) {
    if (!isdigit((unsigned char)text[index])) return 0;
    number = number * 10 + (text[index] - '0');
  }
  *code = number;
  return 1;
}

int fake_number_parse(const char *text, fake_u64 *number) {
  if (!isdigit((unsigned char)*text)) return 0;
  int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
  char *end = NULL;
  errno = 0;
  fake_u64 value = strtoull(text, &end, base);
  if (errno != 0) return 0;
  while (*end == ' ' || *end == '\t') end++;
  unsigned int shift = 0;
  if (strcmp(end, "KiB") == 0) shift = 10;
  else if (strcmp(end, "MiB") == 0) shift = 20;
  else if (strcmp(end, "GiB") == 0) shift = 30;
  else if (*end != '\0') return 0;
  if (value > ULLONG_MAX >> shift) return 0;
  *number = value << shift;
  return 1;
}

int fake_value_code(const char *value) {
  if (value == NULL || *value == '\0' || strcasecmp(value, "N/A") == 0) return FAKE_NOT_SUPPORTED;
  if (*value != '!') return FAKE_SUCCESS;
  int code = FAKE_UNKNOWN;
  (void)fake_code_parse(value + 1, strlen(value + 1), &code);
  return code;
}

int fake_read_u64(const fake_section *section, const char *key, fake_u64 *number) {
  const char *value = fake_section_value(section, key);
  int code = fake_value_code(value);
  if (code != FAKE_SUCCESS) return code;
  return fake_number_parse(value, number) ? FAKE_SUCCESS : FAKE_UNKNOWN;
}

int fake_read_u32(const fake_section *section, const char *key, unsigned int *number) {
  fake_u64 wide = 0;
  int code = fake_read_u64(section, key, &wide);
  if (code != FAKE_SUCCESS) return code;
  if (wide > UINT_MAX) return FAKE_UNKNOWN;
  *number = (unsigned int)wide;
  return FAKE_SUCCESS;
}

int fake_read_i32(const fake_section *section, const char *key, int *number) {
  const char *value = fake_section_value(section, key);
  int code = fake_value_code(value);
  if (code != FAKE_SUCCESS) return code;
  int negative = *value == '-';
  fake_u64 wide = 0;
  if (!fake_number_parse(value + negative, &wide) || wide > INT_MAX) return FAKE_UNKNOWN;
  *number = negative ? -(int)wide : (int)wide;
  return FAKE_SUCCESS;
}

int fake_read_flag(const fake_section *section, const char *key, unsigned int *flag) {
  static const char *const words[2][5] = {
    {"disabled", "off", "no", "false", "inactive"},
    {"enabled", "on", "yes", "true", "active"},
  };
  const char *value = fake_section_value(section, key);
  int code = fake_value_code(value);
  if (code != FAKE_SUCCESS) return code;
  for (unsigned int meaning = 0; meaning < 2; meaning++)
    for (size_t index = 0; index < 5; index++)
      if (strcasecmp(value, words[meaning][index]) == 0) {
        *flag = meaning;
        return FAKE_SUCCESS;
      }
  return fake_read_u32(section, key, flag);
}

int fake_read_dotted(const fake_section *section, const char *key, int *major, int *minor) {
  const char *value = fake_section_value(section, key);
  int code = fake_value_code(value);
  if (code != FAKE_SUCCESS) return code;
  char *end = NULL;
  long first = strtol(value, &end, 10);
  if (end == value || first < 0 || first > 9999) return FAKE_UNKNOWN;
  long second = 0;
  if (*end == '.') {
    const char *rest = end + 1;
    second = strtol(rest, &end, 10);
    if (end == rest || second < 0 || second > 9999) return FAKE_UNKNOWN;
  }
  if (*end != '\0') return FAKE_UNKNOWN;
  *major = (int)first;
  *minor = (int)second;
  return FAKE_SUCCESS;
}

fake_u64 fake_u64_or(const fake_section *section, const char *key, fake_u64 otherwise) {
  fake_u64 number = otherwise;
  (void)fake_read_u64(section, key, &number);
  return number;
}

unsigned int fake_u32_or(const fake_section *section, const char *key, unsigned int otherwise) {
  unsigned int number = otherwise;
  (void)fake_read_u32(section, key, &number);
  return number;
}

const char *fake_text_or(const fake_section *section, const char *key, const char *otherwise) {
  const char *value = fake_section_value(section, key);
  return fake_value_code(value) == FAKE_SUCCESS ? value : otherwise;
}

/// Takes a decimal number that fits 32 bits.
static int take(const char **text, unsigned int *number) {
  if (!isdigit((unsigned char)**text)) return 0;
  fake_u64 value = 0;
  while (isdigit((unsigned char)**text)) {
    value = value * 10 + (fake_u64)(**text - '0');
    if (value > UINT_MAX) return 0;
    ++*text;
  }
  *number = (unsigned int)value;
  return 1;
}

int fake_mask_parse(const char *text, unsigned long *words, unsigned int count) {
  const unsigned int width = 8 * sizeof *words;
  // Read it whole before anything is written: outputs stay as they are on error.
  for (int writing = 0; writing < 2; writing++) {
    if (writing) memset(words, 0, count * sizeof *words);
    const char *at = text;
    while (*at != '\0') {
      unsigned int first = 0;
      if (!take(&at, &first)) return FAKE_UNKNOWN;
      unsigned int last = first;
      if (*at == '-') {
        at++;
        if (!take(&at, &last) || last < first) return FAKE_UNKNOWN;
      }
      if (last / width >= count) return FAKE_INSUFFICIENT_SIZE;
      for (fake_u64 bit = first; writing && bit <= last; bit++)
        words[bit / width] |= 1ul << (bit % width);
      while (*at == ' ') at++;
      if (*at == '\0') break;
      if (*at++ != ',') return FAKE_UNKNOWN;
      while (*at == ' ') at++;
    }
  }
  return FAKE_SUCCESS;
}

int fake_pair_next(const char **text, unsigned int otherwise, unsigned int *a, unsigned int *b) {
  while (**text == ' ' || **text == ',') ++*text;
  if (!take(text, a)) return 0;
  *b = otherwise;
  if (**text != ':') return 1;
  ++*text;
  return take(text, b);
}
