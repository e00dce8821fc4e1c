#include "../FakeNVML/fake_board.c"
