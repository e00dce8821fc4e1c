#include "../FakeNVML/fake_script.c"
