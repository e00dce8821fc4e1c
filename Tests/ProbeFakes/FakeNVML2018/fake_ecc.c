#include "../FakeNVML/fake_ecc.c"
