internal import CNVML

/// A return code of NVML, in our words and classes.
///
/// The library's own text is not used: old ones print "Unknown Error" for newer codes.
struct NVMLReturn: Equatable {
  /// The code as NVML gave it, or -1 for a symbol that the library does not have.
  let code: Int32

  /// What a code means for the one who asked.
  enum Class: Equatable {
    case ok
    /// The GPU or library does not know the answer and never will; quiet.
    case absent
    /// There is an answer, but not for this process.
    case notAllowed
    /// Ask again with a larger buffer.
    case tooSmall
    /// No answer now; there may be one later.
    case later
    /// The structure's version is unknown: step down.
    case wrongVersion
    /// This GPU is not to be used.
    case deviceGone
    /// No GPU of the machine can be used.
    case driverGone
    /// We asked wrongly, or the code is newer than this table.
    case unexpected
  }

  static let success = NVMLReturn(code: 0)

  /// The code of a call that the library does not have.
  static let noSymbol = Int32(CNVML_NO_SYMBOL)

  var isSuccess: Bool { code == 0 }

  /// True when a loop over indexes asked for one that does not exist: a hole, not a fault.
  var isHole: Bool { code == 2 || code == 6 || meaning == .absent }

  /// True when an older form of the call may be answered where this one is not: the driver lacks
  /// it, does not know its structure, or refuses an argument of it.
  var isForOlder: Bool { meaning == .absent || meaning == .wrongVersion || code == 2 }

  /// True when nothing can be done with the GPU before a reset: lost, reset required, not found.
  var isLost: Bool { [15, 16, 28].contains(code) }

  /// The class by which the probe decides.
  var meaning: Class {
    switch code {
    case 0: .ok
    case CNVML_NO_SYMBOL, 3, 13, 22, 26: .absent
    case 4: .notAllowed
    case 7: .tooSmall
    case 10, 11, 19, 20, 21, 23, 27: .later
    case 25: .wrongVersion
    case 8, 14, 15, 16, 28: .deviceGone
    case 1, 9, 12, 17, 18: .driverGone
    default: .unexpected
    }
  }

  /// The code in words, with its number: `driver not loaded (NVML code 9)`.
  var description: String {
    code == CNVML_NO_SYMBOL
      ? "not in this NVML library" : "\(Self.words[code] ?? "unknown error") (NVML code \(code))"
  }

  /// What an operator can do about a driver that does not start, as a clause behind the
  /// description; empty where nothing is known to help.
  var advice: String {
    switch code {
    case 18: "; load the driver anew or boot: it was upgraded while it ran"
    // Known from containers whose device rules `systemctl daemon-reload` took away.
    case 999: "; in a container make the container anew, it may have lost its device rules"
    default: ""
    }
  }

  private static let words: [Int32: String] = [
    0: "success",
    1: "NVML is not initialised",
    2: "invalid argument",
    3: "not supported",
    4: "no permission",
    5: "already initialised",
    6: "not found",
    7: "buffer too small",
    8: "external power cables are not attached",
    9: "driver not loaded",
    10: "timeout in the driver",
    11: "interrupt problem in the driver",
    12: "NVML library not found by the driver",
    13: "function not found in the driver",
    14: "GPU has a corrupted inforom",
    15: "GPU is lost",
    16: "GPU needs a reset",
    17: "operating system refused the driver's files",
    18: "driver and library versions differ",
    19: "in use",
    20: "out of memory",
    21: "no data",
    22: "not possible with vGPU and ECC",
    23: "out of resources",
    24: "frequency not supported",
    25: "structure version unknown to the driver",
    26: "deprecated",
    27: "not ready",
    28: "GPU not found",
    29: "invalid state",
    30: "reset type not supported",
    999: "unknown error",
  ]
}
