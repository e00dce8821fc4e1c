// The table of symbols, shared by the C files of this target.
#pragma once

#include "cnvml_calls.h"

/// One row a shape; a NULL says that the library lacks the call.
struct cnvml_library {
  void *text[CNVML_TEXT_COUNT];
  void *u32[CNVML_U32_COUNT];
  void *u32_of[CNVML_U32_OF_COUNT];
  void *pair[CNVML_PAIR_COUNT];
  void *u64[CNVML_U64_COUNT];
  void *u64_of[CNVML_U64_OF_COUNT];
  void *structure[CNVML_STRUCT_COUNT];
  void *structure_of[CNVML_STRUCT_OF_COUNT];
  void *list[CNVML_LIST_COUNT];
  void *between[CNVML_BETWEEN_COUNT];
  void *other[CNVML_OTHER_COUNT];
};

/// Calls an address as a function of the given parameter types; CNVML_NO_SYMBOL when it is NULL.
/// dlsym gives a data pointer; POSIX promises that it may be used as a function pointer.
#define CNVML_CALL(address, types, arguments) \
  ((address) == NULL ? CNVML_NO_SYMBOL : ((int(*) types)(address)) arguments)
