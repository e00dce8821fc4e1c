// The fake's file: sections of keys and values, parsed into sorted tables.
#pragma once

#include <stddef.h>

#pragma GCC visibility push(hidden)

/// Largest file, in bytes; what follows is not read.
#define FAKE_FILE_BYTES (16u << 20)
/// Most lines with a key or a section that are kept; what follows is not read.
#define FAKE_FILE_ENTRIES 262144u
/// Bytes of a section's name after normalising, terminator included.
#define FAKE_NAME_BYTES 96u
/// Problems of a file that are kept, each with its line.
#define FAKE_FILE_PROBLEMS 16u

/// One `key = value`. The key of the entry that a section's head leaves is empty.
typedef struct {
  const char *section;
  const char *key;
  const char *value;
  unsigned int line;
  /// Calls that ran this entry's script so far.
  unsigned int calls;
} fake_entry;

/// One section: its entries are sorted by key, equal keys by line.
typedef struct {
  const char *name;
  fake_entry *entries;
  size_t count;
} fake_section;

typedef struct {
  unsigned int line;
  const char *what;
} fake_problem;

typedef struct {
  char *text;
  char *names;
  fake_entry *entries;
  fake_section *sections;
  size_t entry_count;
  size_t section_count;
  fake_problem problems[FAKE_FILE_PROBLEMS];
  size_t problem_count;
} fake_file;

/// Parses `length` bytes into `file`, which need not be initialised. Malformed lines are skipped
/// and noted as problems. Returns 0 when there is no memory; the file is then empty.
int fake_file_parse(const char *bytes, size_t length, fake_file *file);

void fake_file_free(fake_file *file);

/// The section of that normalised name: words with one blank between them, decimal numbers padded
/// to ten digits so that they sort by value. NULL when there is none.
const fake_section *fake_file_section(const fake_file *file, const char *name);

/// The first section whose name begins with `prefix`, or the one after `previous` that does.
const fake_section *fake_file_next(
  const fake_file *file, const char *prefix, const fake_section *previous);

/// The last entry of that key: a test can append to a base configuration. NULL when there is none,
/// also for a NULL section.
fake_entry *fake_section_entry(const fake_section *section, const char *key);

/// The value of that key or NULL.
const char *fake_section_value(const fake_section *section, const char *key);

/// Writes the normalised form of a section's name. Returns 0 when it is empty or does not fit.
int fake_name_normalise(const char *text, char *name, size_t bytes);

#pragma GCC visibility pop
