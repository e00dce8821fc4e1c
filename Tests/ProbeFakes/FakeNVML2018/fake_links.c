#include "../FakeNVML/fake_links.c"
