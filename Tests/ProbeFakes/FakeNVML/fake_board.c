#include "fake_board.h"

#include <stdio.h>
#include <string.h>

int fake_bus_parse(const char *text, fake_bus *bus) {
  unsigned int function = 0;
  int used = 0;
  *bus = (fake_bus){0, 0, 0};
  if (strlen(text) > 31) return 0;
  if (sscanf(text, "%8x:%2x:%2x.%1x%n", &bus->domain, &bus->bus, &bus->device, &function, &used)
        == 4
      && text[used] == '\0')
    return 1;
  used = 0;
  if (sscanf(text, "%8x:%2x:%2x%n", &bus->domain, &bus->bus, &bus->device, &used) == 3
      && text[used] == '\0')
    return 1;
  used = 0;
  bus->domain = 0;
  return sscanf(text, "%2x:%2x.%1x%n", &bus->bus, &bus->device, &function, &used) == 3
    && text[used] == '\0';
}

void fake_bus_print(const fake_bus *bus, char *text, size_t bytes) {
  snprintf(text, bytes, "%08X:%02X:%02X.0", bus->domain, bus->bus & 0xFF, bus->device & 0xFF);
}

void fake_bus_print_legacy(const fake_bus *bus, char *text, size_t bytes) {
  snprintf(text, bytes, "%04X:%02X:%02X.0", bus->domain, bus->bus & 0xFF, bus->device & 0xFF);
}

int fake_board_bus(unsigned int gpu, fake_bus *bus) {
  const char *value = fake_section_value(fake_gpu_section(gpu), "bus_id");
  if (value == NULL) {
    *bus = (fake_bus){gpu / 128, 1 + gpu % 128, 0};
    return FAKE_SUCCESS;
  }
  int code = fake_value_code(value);
  if (code != FAKE_SUCCESS) return code;
  return fake_bus_parse(value, bus) ? FAKE_SUCCESS : FAKE_UNKNOWN;
}

int fake_board_uuid(unsigned int gpu, char text[FAKE_UUID_BYTES]) {
  const char *value = fake_section_value(fake_gpu_section(gpu), "uuid");
  if (value == NULL) {
    snprintf(text, FAKE_UUID_BYTES, "GPU-00000000-0000-0000-0000-%012u", gpu);
    return FAKE_SUCCESS;
  }
  int code = fake_value_code(value);
  if (code == FAKE_SUCCESS) snprintf(text, FAKE_UUID_BYTES, "%s", value);
  return code;
}

int fake_mig_uuid(unsigned int gpu, unsigned int index, char text[FAKE_UUID_BYTES]) {
  const fake_section *section = fake_gpu_part(gpu, "mig", index);
  const char *value = fake_section_value(section, "uuid");
  if (value != NULL) {
    int code = fake_value_code(value);
    if (code == FAKE_SUCCESS) snprintf(text, FAKE_UUID_BYTES, "%s", value);
    return code;
  }
  unsigned int gi = fake_u32_or(section, "gi", 0);
  unsigned int ci = fake_u32_or(section, "ci", 0);
  if (strcmp(fake_text_or(fake_driver(), "mig_uuid_form", "uuid"), "path") != 0) {
    snprintf(text, FAKE_UUID_BYTES, "MIG-%08x-0000-%04x-%04x-%012x", gpu, gi & 0xFFFF, ci & 0xFFFF,
      index);
    return FAKE_SUCCESS;
  }
  char board[FAKE_UUID_BYTES];
  int code = fake_board_uuid(gpu, board);
  if (code == FAKE_SUCCESS) snprintf(text, FAKE_UUID_BYTES, "MIG-%.60s/%u/%u", board, gi, ci);
  return code;
}
