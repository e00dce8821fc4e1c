#include "../FakeNVML/fake_mig.c"
