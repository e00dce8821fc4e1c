#include "../FakeNVML/fake_values.c"
