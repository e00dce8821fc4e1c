// Rules of links and of pairs of GPUs.
#pragma once

#include "fake_board.h"

#pragma GCC visibility push(hidden)

/// Links that one GPU may have: what API 13 numbers.
#define FAKE_LINKS 36u

/// What is at the other end of a link.
typedef struct {
  unsigned int type;
  int has_bus;
  fake_bus bus;
  unsigned int device_id;
} fake_remote;

/// Links of a GPU: `nvlinks` of its section.
unsigned int fake_link_count(const fake_section *board);

// A value of one link stands in `[gpu N link L]` under its own name, or in `[gpu N]` with `nvlink_`
// before it, for all links. These say where, so that every reader works on both.
const fake_section *fake_link_section(
  const fake_target *target, unsigned int link, const char *name);
const char *fake_link_key(const fake_target *target, unsigned int link, const char *name);
const char *fake_link_value(const fake_target *target, unsigned int link, const char *name);

/// `remote = switch`, `npu`, `gpu N` or a place on the bus; a place may follow the first two.
int fake_link_remote(const fake_target *target, unsigned int link, fake_remote *remote);

/// The nearest thing above two GPUs, as NVML numbers it.
int fake_pair_level(unsigned int first, unsigned int second, unsigned int *level);

/// Whether two GPUs reach each other: what the pair's section says, else what their links imply.
int fake_pair_p2p(
  unsigned int first, unsigned int second, unsigned int index, unsigned int *status);

#pragma GCC visibility pop
