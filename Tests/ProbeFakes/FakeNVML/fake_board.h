// What a GPU of the file has even when the file does not say so: its UUID and its place on the bus.
#pragma once

#include "fake_state.h"

#pragma GCC visibility push(hidden)

/// Bytes of a UUID's text, terminator included: what NVML asks callers for.
#define FAKE_UUID_BYTES 96u

/// A place on the PCI bus. The function is always 0.
typedef struct {
  unsigned int domain, bus, device;
} fake_bus;

/// Reads `DOMAIN:BUS:DEVICE.FUNCTION` or `BUS:DEVICE.FUNCTION`, hexadecimal. 0 when it is neither.
int fake_bus_parse(const char *text, fake_bus *bus);

// Both return a code of NVML. With the lock held.
int fake_board_bus(unsigned int gpu, fake_bus *bus);
int fake_board_uuid(unsigned int gpu, char text[FAKE_UUID_BYTES]);

/// The UUID of a MIG device: the file's, else one of the form that `mig_uuid_form` of [driver]
/// names: `uuid` (MIG-…, since R470) or `path` (MIG-GPU-…/GI/CI, before).
int fake_mig_uuid(unsigned int gpu, unsigned int index, char text[FAKE_UUID_BYTES]);

/// Writes `%08X:%02X:%02X.0` or the form with a shorter domain, bounded by `bytes`.
void fake_bus_print(const fake_bus *bus, char *text, size_t bytes);
void fake_bus_print_legacy(const fake_bus *bus, char *text, size_t bytes);

#pragma GCC visibility pop
