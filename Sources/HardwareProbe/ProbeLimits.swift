/// Every bound of the probe. What a machine says about itself is input like any other: it is read
/// with a limit, so that a broken or hostile file costs a note and not the agent.
enum ProbeLimits {
  /// Bytes of one /proc or /sys file. `/proc/cpuinfo` of 1,024 CPUs is about 1.5 MB.
  static let fileBytes = 4 << 20

  /// Bytes of one hardware profile: the largest of ours is under 3 kB.
  static let profileBytes = 64 << 10

  /// Entries of one directory. `/sys/devices/system/cpu` has one a CPU.
  static let directoryEntries = 65_536

  /// Highest CPU or NUMA node number that is believed. Linux builds for at most 8,192 CPUs.
  static let identifier = 65_535

  /// Levels of cgroups walked from a process up to its mount. systemd and Kubernetes make about 6.
  static let cgroupDepth = 64

  /// GPUs of one node. The largest machines have 16; a count beyond this is a broken library.
  static let gpus = 256

  /// Characters of a name that a machine gives itself (GPU, CPU, host): NVML's longest is 96.
  static let nameCharacters = 128

  /// Notes of one inventory; the last one says how many were dropped.
  static let notes = 64

  /// Files of one profile directory.
  static let profiles = 512
}
