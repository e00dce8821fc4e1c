// A fake libnvidia-ml.so.1, driven by one text file, for machines without a GPU.
//
// The form of the file is described in Tests/ProbeFakes/README.md. Programs do not include this
// header: they open the library at run time and look up NVML's own names, as they do with the real
// one.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/// NVML's own first call; 0 is success.
int nvmlInit_v2(void);

#ifdef __cplusplus
}
#endif
