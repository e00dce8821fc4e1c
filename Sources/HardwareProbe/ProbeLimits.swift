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

  /// GPUs between which links are asked: the questions grow with the square.
  static let linkedGPUs = 32

  /// NVLink ports of one GPU. Headers say 36; the loop asks a few more.
  static let ports = 64

  /// MIG devices of one GPU, and kinds of them. The largest boards have 12 and 18.
  static let instances = 64

  /// Placements of one kind of MIG device.
  static let placements = 64

  /// Processes on one GPU; a list beyond this is not believed.
  static let processes = 4096

  /// Processes of which the driver's memory is shown, the latest of up to 4,000.
  static let accounted = 64

  /// Age at which a value is forgotten that the driver told before and does not tell now. Unit:
  /// milliseconds. Longer than a slow driver's pause, shorter than what would mislead.
  static let keptMilliseconds: UInt64 = 60_000

  /// Words of a mask of CPUs: 8,192 CPUs.
  static let maskWords = 128

  /// Bytes of one line of a child's record. A GPU with 4,096 processes takes about
  /// 260 kB, and 190 kB for their load.
  static let recordLineBytes = 512 << 10

  /// Bytes of a child's whole record.
  static let recordBytes = 16 << 20

  /// Processes stuck in the driver before no further one is started to ask it.
  static let stuckAskers = 4

  /// Characters of a name that a machine gives itself (GPU, CPU, host): NVML's longest is 96.
  static let nameCharacters = 128

  /// Notes of one inventory; the last one says how many were dropped.
  static let notes = 64

  /// Files of one profile directory.
  static let profiles = 512
}
