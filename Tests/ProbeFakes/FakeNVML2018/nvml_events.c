#include "../FakeNVML/nvml_events.c"
