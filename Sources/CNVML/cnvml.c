#include "cnvml.h"
