#include "../FakeNVML/nvml_mig.c"
