#include "../FakeNVML/nvml_links.c"
