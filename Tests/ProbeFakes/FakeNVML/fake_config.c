#include "fake_config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Cuts blanks at both ends, in place.
static char *trim(char *text) {
  while (isspace((unsigned char)*text)) text++;
  size_t length = strlen(text);
  while (length > 0 && isspace((unsigned char)text[length - 1])) text[--length] = '\0';
  return text;
}

/// `[driver]` or `[gpu N]`; NULL for any other, whose keys are then ignored.
static fake_section *section_named(fake_machine *machine, const char *name) {
  unsigned int index = 0;
  fake_section *section = NULL;
  if (strcmp(name, "driver") == 0) section = &machine->driver;
  if (sscanf(name, "gpu %u", &index) == 1 && index < FAKE_NVML_GPUS)
    section = &machine->gpus[index];
  if (section != NULL) section->exists = 1;
  return section;
}

static void add(fake_section *section, const char *key, const char *value) {
  if (section == NULL || section->count >= FAKE_NVML_KEYS) return;
  fake_entry *entry = &section->entries[section->count++];
  snprintf(entry->key, sizeof entry->key, "%s", key);
  snprintf(entry->value, sizeof entry->value, "%s", value);
}

int fake_read(const char *path, fake_machine *machine) {
  memset(machine, 0, sizeof *machine);
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  char line[512];
  fake_section *section = NULL;
  while (fgets(line, sizeof line, file) != NULL) {
    char *comment = strpbrk(line, ";#");
    if (comment != NULL) *comment = '\0';
    char *text = trim(line);
    char *equals = strchr(text, '=');
    size_t length = strlen(text);
    if (text[0] == '[' && length > 2 && text[length - 1] == ']') {
      text[length - 1] = '\0';
      section = section_named(machine, trim(text + 1));
    } else if (equals != NULL) {
      *equals = '\0';
      add(section, trim(text), trim(equals + 1));
    }
  }
  fclose(file);
  return 1;
}

const char *fake_text(const fake_section *section, const char *key, const char *otherwise) {
  // The last one counts, so that a test can append to a base configuration.
  for (unsigned int index = section->count; index > 0; index--)
    if (strcmp(section->entries[index - 1].key, key) == 0) return section->entries[index - 1].value;
  return otherwise;
}

unsigned long long fake_number(
  const fake_section *section, const char *key, unsigned long long otherwise) {
  const char *text = fake_text(section, key, NULL);
  if (text == NULL || !isdigit((unsigned char)*text)) return otherwise;
  char *end = NULL;
  errno = 0;
  unsigned long long number = strtoull(text, &end, 0);
  return errno != 0 || *end != '\0' ? otherwise : number;
}
