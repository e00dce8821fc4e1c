#include "../FakeNVML/nvml_power.c"
