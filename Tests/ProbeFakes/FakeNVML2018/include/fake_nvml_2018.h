// The same fake with only the names that a library of 2018 has: no versions of calls that came
// later, no MIG, no init with flags. See Tests/ProbeFakes/README.md.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/// NVML's own first call; 0 is success.
int nvmlInit_v2(void);

#ifdef __cplusplus
}
#endif
