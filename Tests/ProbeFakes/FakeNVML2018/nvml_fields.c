#include "../FakeNVML/nvml_fields.c"
