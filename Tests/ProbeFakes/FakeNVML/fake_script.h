// What a call does instead of answering: the value of a key that is named like the call.
#pragma once

#include "fake_values.h"

#pragma GCC visibility push(hidden)

/// One step of a script.
typedef struct {
  int code;
  int hangs;
  fake_u64 sleep_ms;
} fake_step;

/// The step for the call that `calls` calls came before. A script is a list of steps separated by
/// commas; a step is words: a code, `hang`, `sleep MILLISECONDS`, `xN` (it serves N calls; the last
/// one without it serves for ever; after all of them the call answers), and `after N calls: CODE`.
/// A word that means nothing gives UNKNOWN.
fake_step fake_script_step(const char *script, unsigned int calls);

#pragma GCC visibility pop
