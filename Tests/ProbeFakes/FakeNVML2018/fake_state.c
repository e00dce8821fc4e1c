#include "../FakeNVML/fake_state.c"
