#define _GNU_SOURCE
#include "fake_state.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fake_log.h"
#include "fake_script.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static fake_file file;
static int has_file;
static unsigned int users;
static char path[4096];
/// What the file looked like when it was read.
static struct stat seen;

/// Handles are addresses within this space; nothing is stored there, so it takes no memory.
static char handle_space[1u << 24];

/// Counts how often a MIG device was replaced, and tells one from the next.
static struct {
  unsigned char generation;
  uint64_t identity;
} mig_devices[FAKE_GPUS][FAKE_MIG_DEVICES];

void fake_lock(void) { pthread_mutex_lock(&lock); }
void fake_unlock(void) { pthread_mutex_unlock(&lock); }
int fake_is_started(void) { return users > 0; }
const fake_file *fake_current(void) { return &file; }
const fake_section *fake_driver(void) { return fake_file_section(&file, "driver"); }

fake_name fake_named(const char *kind, const unsigned int *numbers, unsigned int count) {
  fake_name name;
  size_t used = 0;
  unsigned int next = 0;
  // `kind` has a blank where a number goes: "gpu mig " with {0, 1} is "gpu 0… mig 1…".
  for (; *kind != '\0' && used + 12 < sizeof name.text; kind++) {
    name.text[used++] = *kind;
    if (*kind == ' ' && next < count) {
      used += (size_t)snprintf(name.text + used, sizeof name.text - used, "%010u", numbers[next++]);
      if (kind[1] != '\0') name.text[used++] = ' ';
    }
  }
  name.text[used] = '\0';
  return name;
}

const fake_section *fake_gpu_section(unsigned int gpu) {
  fake_name name = fake_named("gpu ", &gpu, 1);
  return fake_file_section(&file, name.text);
}

const fake_section *fake_gpu_part(unsigned int gpu, const char *kind, unsigned int number) {
  char form[32];
  snprintf(form, sizeof form, "gpu %s ", kind);
  fake_name name = fake_named(form, (unsigned int[]){gpu, number}, 2);
  return fake_file_section(&file, name.text);
}

/// Reads the number at the end of a name; 0 unless the name is `prefix` and that number alone.
static int last_number(const fake_section *section, const char *prefix, unsigned int *number) {
  const char *rest = section->name + strlen(prefix);
  fake_u64 value = 0;
  if (strlen(rest) != 10 || strspn(rest, "0123456789") != 10) return 0;
  for (; *rest != '\0'; rest++) value = value * 10 + (fake_u64)(*rest - '0');
  if (value > UINT32_MAX) return 0;
  *number = (unsigned int)value;
  return 1;
}

const fake_section *fake_gpu_parts(
  unsigned int gpu, const char *kind, const fake_section *previous, unsigned int *number) {
  char form[32];
  snprintf(form, sizeof form, "gpu %s ", kind);
  fake_name prefix = fake_named(form, &gpu, 1);
  const fake_section *section = previous;
  while ((section = fake_file_next(&file, prefix.text, section)) != NULL)
    if (last_number(section, prefix.text, number)) return section;
  return NULL;
}

unsigned int fake_gpu_count(void) {
  unsigned int found = 0;
  unsigned int number = 0;
  const fake_section *section = NULL;
  while ((section = fake_file_next(&file, "gpu ", section)) != NULL)
    if (last_number(section, "gpu ", &number) && number < FAKE_GPUS) found = number + 1;
  return fake_u32_or(fake_driver(), "count", found);
}

// MARK: - The file

/// The configuration's path: beside this library when there is one, else the environment's.
static void find_config(void) {
  Dl_info self;
  path[0] = '\0';
  if (dladdr((void *)handle_space, &self) != 0 && self.dli_fname != NULL) {
    const char *slash = strrchr(self.dli_fname, '/');
    int directory = slash == NULL ? 0 : (int)(slash - self.dli_fname + 1);
    snprintf(path, sizeof path, "%.*sfake_nvml.ini", directory, self.dli_fname);
    if (access(path, R_OK) == 0) return;
  }
  const char *named = getenv("FAKE_NVML_CONFIG");
  snprintf(path, sizeof path, "%s", named != NULL ? named : "");
}

/// The bytes of the file, to be freed; NULL when it cannot be read. `status` is what was read.
static char *read_config(size_t *length, struct stat *status) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return NULL;
  char *bytes = NULL;
  *length = 0;
  if (fstat(descriptor, status) == 0 && S_ISREG(status->st_mode)) {
    // One byte more than is parsed shows that the file is too large.
    size_t limit = FAKE_FILE_BYTES + 1;
    size_t wanted = (size_t)status->st_size + 1;
    if (wanted > limit) wanted = limit;
    bytes = malloc(wanted);
    while (bytes != NULL && *length < wanted) {
      ssize_t count = read(descriptor, bytes + *length, wanted - *length);
      if (count <= 0) break;
      *length += (size_t)count;
    }
  }
  close(descriptor);
  return bytes;
}

static uint64_t hashed(uint64_t hash, const char *text) {
  for (; *text != '\0'; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
  return (hash ^ 0xff) * 1099511628211u;
}

uint64_t fake_section_hash(const fake_section *section) {
  uint64_t hash = 14695981039346656037u;
  for (size_t index = 0; section != NULL && index < section->count; index++)
    hash = hashed(hashed(hash, section->entries[index].key), section->entries[index].value);
  return hash;
}

/// A MIG device with another UUID or other instances is another device: old handles go stale.
static void renew_mig_devices(void) {
  for (unsigned int gpu = 0; gpu < FAKE_GPUS; gpu++) {
    if (fake_gpu_section(gpu) == NULL) continue;
    for (unsigned int index = 0; index < FAKE_MIG_DEVICES; index++) {
      const fake_section *section = fake_gpu_part(gpu, "mig", index);
      uint64_t identity = section == NULL ? 0 : 1;
      identity = hashed(identity, fake_text_or(section, "uuid", ""));
      identity = hashed(identity, fake_text_or(section, "gi", ""));
      identity = hashed(identity, fake_text_or(section, "ci", ""));
      if (mig_devices[gpu][index].identity == identity) continue;
      mig_devices[gpu][index].identity = identity;
      mig_devices[gpu][index].generation = (mig_devices[gpu][index].generation + 1) & 15;
    }
  }
}

/// Reads the file. 0 when that is not possible; the file in force then stays.
static int load(void) {
  struct stat status;
  size_t length = 0;
  char *bytes = read_config(&length, &status);
  if (bytes == NULL) return 0;
  fake_file fresh;
  int parsed = fake_file_parse(bytes, length, &fresh);
  free(bytes);
  if (!parsed) return 0;
  if (has_file) fake_file_free(&file);
  file = fresh;
  has_file = 1;
  seen = status;
  fake_log_problems(path, &file);
  renew_mig_devices();
  return 1;
}

void fake_refresh(void) {
  struct stat status;
  if (stat(path, &status) != 0) return;
  if (status.st_mtim.tv_sec == seen.st_mtim.tv_sec && status.st_size == seen.st_size
      && status.st_mtim.tv_nsec == seen.st_mtim.tv_nsec && status.st_ino == seen.st_ino)
    return;
  (void)load();
}

// MARK: - Handles

void *fake_handle(fake_kind kind, unsigned int gpu, unsigned int instance, unsigned int compute) {
  size_t code = ((size_t)kind << 22) | ((size_t)gpu << 14) | ((size_t)instance << 8)
    | ((size_t)compute << 4);
  if (kind == FAKE_MIG) code |= mig_devices[gpu][instance].generation;
  return handle_space + code;
}

/// Takes a handle apart. 0 when it is none of ours, or stale.
static int look_up(void *handle, fake_target *target) {
  uintptr_t start = (uintptr_t)handle_space;
  uintptr_t address = (uintptr_t)handle;
  if (address < start || address - start >= sizeof handle_space) return 0;
  size_t code = address - start;
  target->kind = (fake_kind)(code >> 22);
  target->gpu = (code >> 14) & 255;
  target->instance = (code >> 8) & 63;
  target->compute = (code >> 4) & 15;
  if (fake_handle(target->kind, target->gpu, target->instance, target->compute) != handle)
    return 0;
  target->board = fake_gpu_section(target->gpu);
  target->section = target->board;
  if (target->kind == FAKE_MIG)
    target->section = fake_gpu_part(target->gpu, "mig", target->instance);
  if (target->kind == FAKE_GI) target->section = fake_gpu_part(target->gpu, "gi", target->instance);
  if (target->kind == FAKE_CI) {
    fake_name name = fake_named(
      "gpu gi ci ", (unsigned int[]){target->gpu, target->instance, target->compute}, 3);
    target->section = fake_file_section(&file, name.text);
  }
  return target->board != NULL && target->section != NULL;
}

// MARK: - Calls

/// Runs one script. Sleeps without the lock, since other threads go on.
static int run_entry(fake_entry *entry) {
  if (entry == NULL) return FAKE_SUCCESS;
  fake_step step = fake_script_step(entry->value, entry->calls);
  if (entry->calls < UINT32_MAX) entry->calls++;
#ifdef FAKE_NVML_NEVER_WAITS
  return step.code;
#endif
  if (step.sleep_ms > 0 || step.hangs) {
    fake_unlock();
    while (step.hangs) fake_sleep_ms(1000);
    fake_sleep_ms(step.sleep_ms);
    fake_lock();
    fake_refresh();
  }
  return step.code;
}

int fake_run_script(const fake_section *section, const char *key) {
  return run_entry(fake_section_entry(section, key));
}

/// The script of a call on `target`, NULL for a system call; NULL when there is none.
static fake_entry *script_of(const char *call, const fake_target *target) {
  fake_entry *entry = NULL;
  if (target != NULL) {
    entry = fake_section_entry(target->section, call);
    if (entry == NULL) entry = fake_section_entry(target->section, "every_call");
    if (entry == NULL) entry = fake_section_entry(target->board, "every_call");
  }
  if (entry == NULL) entry = fake_section_entry(fake_driver(), call);
  if (entry == NULL) entry = fake_section_entry(fake_driver(), "every_call");
  return entry;
}

static int run_script(const char *call, const fake_target *target) {
  return run_entry(script_of(call, target));
}

static int refuse(const char *call, int code) {
  fake_log_call(call, code);
  fake_unlock();
  return code;
}

int fake_begin_system(const char *call) {
  fake_lock();
  fake_log_begin(call);
  if (users == 0) return refuse(call, FAKE_UNINITIALIZED);
  fake_refresh();
  int code = run_script(call, NULL);
  if (code == FAKE_SUCCESS && users == 0) code = FAKE_UNINITIALIZED;
  return code == FAKE_SUCCESS ? FAKE_SUCCESS : refuse(call, code);
}

/// `kinds` has a bit for each kind of handle that the call takes.
static int begin(const char *call, void *handle, unsigned int kinds, fake_target *target) {
  fake_lock();
  fake_log_begin(call);
  if (users == 0) return refuse(call, FAKE_UNINITIALIZED);
  fake_refresh();
  if (!look_up(handle, target) || (kinds & (1u << target->kind)) == 0)
    return refuse(call, FAKE_INVALID_ARGUMENT);
  int code = run_script(call, target);
  if (code != FAKE_SUCCESS) return refuse(call, code);
  // The script may have slept, and the file may have changed meanwhile.
  if (users == 0) return refuse(call, FAKE_UNINITIALIZED);
  if (!look_up(handle, target)) return refuse(call, FAKE_INVALID_ARGUMENT);
  return FAKE_SUCCESS;
}

int fake_begin(const char *call, void *handle, fake_target *target) {
  return begin(call, handle, (1u << FAKE_GPU) | (1u << FAKE_MIG), target);
}

int fake_begin_gpu(const char *call, void *handle, fake_target *target) {
  int code = fake_begin(call, handle, target);
  if (code == FAKE_SUCCESS && target->kind != FAKE_GPU) return fake_end(FAKE_NOT_SUPPORTED);
  return code;
}

int fake_begin_instance(const char *call, void *handle, fake_kind kind, fake_target *target) {
  return begin(call, handle, 1u << kind, target);
}

int fake_end(int code) {
  fake_log_end(code);
  fake_unlock();
  return code;
}

/// A machine without a file is one without a driver.
int fake_start(const char *call) {
  fake_lock();
  fake_log_begin(call);
  if (users == 0 || !has_file) find_config();
  int code = FAKE_DRIVER_NOT_LOADED;
  if (load()) {
    const fake_section *driver = fake_driver();
    int own = fake_section_entry(driver, call) != NULL;
    code = run_script(own ? call : "init", NULL);
  }
  if (code == FAKE_SUCCESS) users++;
  return fake_end(code);
}

int fake_stop(void) {
  fake_lock();
  fake_log_begin("Shutdown");
  int code = users > 0 ? run_script("Shutdown", NULL) : FAKE_UNINITIALIZED;
  if (code == FAKE_SUCCESS && users > 0) users--;
  return fake_end(code);
}

fake_u64 fake_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (fake_u64)now.tv_sec * 1000 + (fake_u64)now.tv_nsec / 1000000;
}

void fake_sleep_ms(fake_u64 milliseconds) {
  struct timespec left = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
}
