#include "../FakeNVML/nvml_system.c"
