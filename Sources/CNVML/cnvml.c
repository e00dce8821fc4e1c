#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cnvml_table.h"

#define NAME(name, symbol) symbol,
static const char *const text_names[] = {CNVML_TEXT_CALLS(NAME)};
static const char *const u32_names[] = {CNVML_U32_CALLS(NAME)};
static const char *const u32_of_names[] = {CNVML_U32_OF_CALLS(NAME)};
static const char *const pair_names[] = {CNVML_PAIR_CALLS(NAME)};
static const char *const u64_names[] = {CNVML_U64_CALLS(NAME)};
static const char *const u64_of_names[] = {CNVML_U64_OF_CALLS(NAME)};
static const char *const struct_names[] = {CNVML_STRUCT_CALLS(NAME)};
static const char *const struct_of_names[] = {CNVML_STRUCT_OF_CALLS(NAME)};
static const char *const list_names[] = {CNVML_LIST_CALLS(NAME)};
static const char *const between_names[] = {CNVML_BETWEEN_CALLS(NAME)};
static const char *const other_names[] = {CNVML_OTHER_CALLS(NAME)};

#define ROW(names, slots)                                                         \
  {                                                                               \
    names, sizeof names / sizeof names[0], offsetof(struct cnvml_library, slots) \
  }

/// Where the names of each shape go. Versioned names only: the unsuffixed symbol, where both exist,
/// has the oldest layout.
static const struct {
  const char *const *names;
  size_t count;
  size_t offset;
} rows[] = {
  ROW(text_names, text),         ROW(u32_names, u32),
  ROW(u32_of_names, u32_of),     ROW(pair_names, pair),
  ROW(u64_names, u64),           ROW(u64_of_names, u64_of),
  ROW(struct_names, structure),  ROW(struct_of_names, structure_of),
  ROW(list_names, list),         ROW(between_names, between),
  ROW(other_names, other),
};

cnvml_library *cnvml_open(const char *path, char *error, size_t error_bytes) {
  if (error_bytes > 0) error[0] = '\0';
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) {
    const char *words = dlerror();
    snprintf(error, error_bytes, "%s", words != NULL ? words : "unknown loader error");
    return NULL;
  }
  cnvml_library *library = calloc(1, sizeof *library);
  if (library == NULL) {
    snprintf(error, error_bytes, "out of memory");
    return NULL;
  }
  for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
    void **slots = (void **)((char *)library + rows[row].offset);
    for (size_t index = 0; index < rows[row].count; index++)
      slots[index] = dlsym(handle, rows[row].names[index]);
  }
  return library;
}

void cnvml_forget(cnvml_library *library) { free(library); }

const char *cnvml_symbol_name(size_t position) {
  for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
    if (position < rows[row].count) return rows[row].names[position];
    position -= rows[row].count;
  }
  return NULL;
}

const char *cnvml_missing_symbol(const cnvml_library *library) {
  void *const *other = library->other;
  if (other[CNVML_OTHER_INIT_WITH_FLAGS] == NULL && other[CNVML_OTHER_INIT_V2] == NULL &&
      other[CNVML_OTHER_INIT] == NULL)
    return other_names[CNVML_OTHER_INIT_V2];
  const cnvml_other_call needed[] = {
    CNVML_OTHER_SHUTDOWN, CNVML_OTHER_DEVICE_COUNT, CNVML_OTHER_DEVICE_BY_INDEX};
  for (size_t index = 0; index < sizeof needed / sizeof needed[0]; index++)
    if (other[needed[index]] == NULL) return other_names[needed[index]];
  return NULL;
}

int cnvml_init_with_flags(const cnvml_library *library, unsigned int flags) {
  return CNVML_CALL(library->other[CNVML_OTHER_INIT_WITH_FLAGS], (unsigned int), (flags));
}

int cnvml_init_v2(const cnvml_library *library) {
  return CNVML_CALL(library->other[CNVML_OTHER_INIT_V2], (void), ());
}

int cnvml_init(const cnvml_library *library) {
  return CNVML_CALL(library->other[CNVML_OTHER_INIT], (void), ());
}

int cnvml_shutdown(const cnvml_library *library) {
  return CNVML_CALL(library->other[CNVML_OTHER_SHUTDOWN], (void), ());
}

/// Runs a system-wide text call; the last byte stays zero whatever the library writes.
static int system_text(void *call, char *text, unsigned int bytes) {
  memset(text, 0, bytes);
  if (bytes < 2) return CNVML_NO_SYMBOL;
  return CNVML_CALL(call, (char *, unsigned int), (text, bytes - 1));
}

int cnvml_driver_version(const cnvml_library *library, char *text, unsigned int bytes) {
  return system_text(library->other[CNVML_OTHER_DRIVER_VERSION], text, bytes);
}

int cnvml_nvml_version(const cnvml_library *library, char *text, unsigned int bytes) {
  return system_text(library->other[CNVML_OTHER_NVML_VERSION], text, bytes);
}

int cnvml_cuda_version(const cnvml_library *library, int *version) {
  *version = 0;
  return CNVML_CALL(library->other[CNVML_OTHER_CUDA_VERSION], (int *), (version));
}

int cnvml_device_count(const cnvml_library *library, unsigned int *count) {
  *count = 0;
  return CNVML_CALL(library->other[CNVML_OTHER_DEVICE_COUNT], (unsigned int *), (count));
}

int cnvml_device_by_index(
  const cnvml_library *library, unsigned int index, cnvml_device *device) {
  *device = NULL;
  return CNVML_CALL(
    library->other[CNVML_OTHER_DEVICE_BY_INDEX], (unsigned int, cnvml_device *), (index, device));
}
