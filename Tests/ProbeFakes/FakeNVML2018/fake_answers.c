#include "../FakeNVML/fake_answers.c"
