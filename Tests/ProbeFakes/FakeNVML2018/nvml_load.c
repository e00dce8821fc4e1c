#include "../FakeNVML/nvml_load.c"
