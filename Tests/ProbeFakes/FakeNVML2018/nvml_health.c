#include "../FakeNVML/nvml_health.c"
