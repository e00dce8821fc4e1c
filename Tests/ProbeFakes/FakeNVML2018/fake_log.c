#include "../FakeNVML/fake_log.c"
