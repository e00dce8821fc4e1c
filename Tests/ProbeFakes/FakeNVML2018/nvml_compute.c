#include "../FakeNVML/nvml_compute.c"
