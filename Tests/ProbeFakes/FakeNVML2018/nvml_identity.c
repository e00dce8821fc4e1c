#include "../FakeNVML/nvml_identity.c"
