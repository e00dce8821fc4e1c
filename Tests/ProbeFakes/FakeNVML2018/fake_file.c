#include "../FakeNVML/fake_file.c"
