#include "fake_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

static void problem(fake_file *file, unsigned int line, const char *what) {
  if (file->problem_count >= FAKE_FILE_PROBLEMS) return;
  file->problems[file->problem_count++] = (fake_problem){line, what};
}

/// Cuts blanks at both ends, in place.
static char *trim(char *text) {
  while (blank(*text)) text++;
  size_t length = strlen(text);
  while (length > 0 && blank(text[length - 1])) text[--length] = '\0';
  return text;
}

int fake_name_normalise(const char *text, char *name, size_t bytes) {
  size_t used = 0;
  while (*text != '\0') {
    while (blank(*text)) text++;
    size_t length = 0;
    int digits = 1;
    while (text[length] != '\0' && !blank(text[length])) {
      if (!isdigit((unsigned char)text[length])) digits = 0;
      length++;
    }
    if (length == 0) break;
    size_t padding = digits && length < 10 ? 10 - length : 0;
    if (digits && length > 10) return 0;
    size_t gap = used == 0 ? 0 : 1;
    if (used + gap + padding + length + 1 > bytes) return 0;
    if (gap) name[used++] = ' ';
    memset(name + used, '0', padding);
    memcpy(name + used + padding, text, length);
    used += padding + length;
    text += length;
  }
  if (used >= bytes) return 0;
  name[used] = '\0';
  return used > 0;
}

/// Cuts the comment off, which begins at `;` or `#` outside quotes.
static void cut_comment(char *line) {
  int quoted = 0;
  for (; *line != '\0'; line++) {
    if (*line == '"') quoted = !quoted;
    if (!quoted && (*line == ';' || *line == '#')) {
      *line = '\0';
      return;
    }
  }
}

/// Takes the quotes off a value that is quoted as a whole.
static char *unquote(char *value) {
  size_t length = strlen(value);
  if (length < 2 || value[0] != '"' || value[length - 1] != '"') return value;
  value[length - 1] = '\0';
  return value + 1;
}

/// A call is named with or without NVML's prefixes: `nvmlDeviceGetName`, `GetName`.
static char *bare_key(char *key) {
  static const char *const prefixes[] = {"nvmlDevice", "nvml"};
  for (size_t index = 0; index < sizeof prefixes / sizeof prefixes[0]; index++) {
    size_t length = strlen(prefixes[index]);
    if (strncmp(key, prefixes[index], length) == 0 && isupper((unsigned char)key[length]))
      return key + length;
  }
  return key;
}

/// Where the parser stands.
typedef struct {
  fake_file *file;
  const char *section;
  char *next_name;
  unsigned int line;
} fake_cursor;

static void add(fake_cursor *at, const char *key, const char *value) {
  at->file->entries[at->file->entry_count++] =
    (fake_entry){at->section, key, value, at->line, 0};
}

static void read_head(fake_cursor *at, char *text, size_t length) {
  at->section = NULL;
  text[length - 1] = '\0';
  if (!fake_name_normalise(text + 1, at->next_name, FAKE_NAME_BYTES)) {
    problem(at->file, at->line, "the name of this section is empty or too long: it is ignored");
    return;
  }
  at->section = at->next_name;
  at->next_name += strlen(at->next_name) + 1;
  add(at, "", "");
}

static void read_line(fake_cursor *at, char *line) {
  cut_comment(line);
  char *text = trim(line);
  size_t length = strlen(text);
  if (length == 0) return;
  if (text[0] == '[') {
    if (text[length - 1] == ']') {
      read_head(at, text, length);
    } else {
      at->section = NULL;
      problem(at->file, at->line, "a section's head must end with ]: the section is ignored");
    }
    return;
  }
  char *equals = strchr(text, '=');
  if (equals == NULL) {
    problem(at->file, at->line, "neither [section] nor key = value: the line is ignored");
    return;
  }
  *equals = '\0';
  if (at->section == NULL) {
    problem(at->file, at->line, "a key outside any section: the line is ignored");
    return;
  }
  add(at, bare_key(trim(text)), unquote(trim(equals + 1)));
}

/// Sections by name, keys within, equal keys by line.
static int compare(const void *left, const void *right) {
  const fake_entry *a = left;
  const fake_entry *b = right;
  int order = a->section == b->section ? 0 : strcmp(a->section, b->section);
  if (order == 0) order = strcmp(a->key, b->key);
  if (order == 0) order = a->line < b->line ? -1 : a->line > b->line;
  return order;
}

/// Makes the table of sections from the sorted entries.
static void index_sections(fake_file *file) {
  for (size_t index = 0; index < file->entry_count; index++) {
    fake_entry *entry = &file->entries[index];
    fake_section *last =
      file->section_count == 0 ? NULL : &file->sections[file->section_count - 1];
    if (last == NULL || strcmp(last->name, entry->section) != 0) {
      file->sections[file->section_count++] = (fake_section){entry->section, entry, 0};
      last = &file->sections[file->section_count - 1];
    }
    last->count++;
  }
}

/// Lines that may become entries, and the bytes that the names of sections may take.
static void measure(const char *text, size_t length, size_t *lines, size_t *names) {
  *lines = 1;
  *names = FAKE_NAME_BYTES;
  for (size_t index = 0; index < length; index++) {
    if (text[index] == '\n') ++*lines;
    if (text[index] == '[' && (index == 0 || text[index - 1] == '\n' || blank(text[index - 1])))
      *names += FAKE_NAME_BYTES;
  }
  if (*lines > FAKE_FILE_ENTRIES) *lines = FAKE_FILE_ENTRIES;
}

int fake_file_parse(const char *bytes, size_t length, fake_file *file) {
  memset(file, 0, sizeof *file);
  if (length > FAKE_FILE_BYTES) {
    problem(file, 0, "the file is too large: its end is not read");
    length = FAKE_FILE_BYTES;
  }
  size_t lines = 0;
  size_t names = 0;
  measure(bytes, length, &lines, &names);
  file->text = malloc(length + 1);
  file->names = malloc(names);
  file->entries = calloc(lines, sizeof *file->entries);
  file->sections = calloc(lines, sizeof *file->sections);
  if (file->text == NULL || file->names == NULL || file->entries == NULL
      || file->sections == NULL) {
    fake_file_free(file);
    return 0;
  }
  if (length > 0) memcpy(file->text, bytes, length);
  file->text[length] = '\0';
  fake_cursor at = {file, NULL, file->names, 0};
  char *line = file->text;
  char *end = file->text + length;
  while (line < end && file->entry_count < lines) {
    char *stop = memchr(line, '\n', (size_t)(end - line));
    if (stop == NULL) stop = end;
    *stop = '\0';
    at.line++;
    read_line(&at, line);
    line = stop + 1;
  }
  if (line < end) problem(file, at.line, "too many lines: the rest is not read");
  qsort(file->entries, file->entry_count, sizeof *file->entries, compare);
  index_sections(file);
  return 1;
}

void fake_file_free(fake_file *file) {
  free(file->text);
  free(file->names);
  free(file->entries);
  free(file->sections);
  memset(file, 0, sizeof *file);
}

/// Index of the first section whose name is not below `name`.
static size_t lower_bound(const fake_file *file, const char *name) {
  size_t low = 0;
  size_t high = file->section_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(file->sections[middle].name, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

const fake_section *fake_file_section(const fake_file *file, const char *name) {
  size_t index = lower_bound(file, name);
  if (index == file->section_count || strcmp(file->sections[index].name, name) != 0) return NULL;
  return &file->sections[index];
}

const fake_section *fake_file_next(
  const fake_file *file, const char *prefix, const fake_section *previous) {
  size_t index =
    previous == NULL ? lower_bound(file, prefix) : (size_t)(previous - file->sections) + 1;
  if (index >= file->section_count) return NULL;
  const fake_section *section = &file->sections[index];
  return strncmp(section->name, prefix, strlen(prefix)) == 0 ? section : NULL;
}

fake_entry *fake_section_entry(const fake_section *section, const char *key) {
  if (section == NULL) return NULL;
  size_t low = 0;
  size_t high = section->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(section->entries[middle].key, key) <= 0) low = middle + 1;
    else high = middle;
  }
  if (low == 0 || strcmp(section->entries[low - 1].key, key) != 0) return NULL;
  return &section->entries[low - 1];
}

const char *fake_section_value(const fake_section *section, const char *key) {
  const fake_entry *entry = fake_section_entry(section, key);
  return entry == NULL ? NULL : entry->value;
}
