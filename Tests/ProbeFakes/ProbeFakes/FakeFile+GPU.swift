extension FakeFile {
  /// A process on a GPU.
  public struct Process: Sendable, Equatable {
    /// What uses the GPU.
    public enum Kind: String, Sendable {
      case compute = "C"
      case graphics = "G"
      case both = "C+G"
      /// Compute through the multi-process service.
      case mps = "M+C"
    }

    /// Its number.
    public var pid: UInt32
    /// Bytes that it holds; nil when the driver cannot say.
    public var memoryBytes: UInt64?
    /// What it does.
    public var kind: Kind
    /// The GPU instance and compute instance that it runs in; nil on a whole GPU.
    public var instance: (gpu: UInt32, compute: UInt32)?
    /// Percent of the multiprocessors that it used; nil for no sample.
    public var busyPercent: UInt32?

    /// Makes a process.
    public init(
      pid: UInt32, memoryBytes: UInt64?, kind: Kind = .compute,
      instance: (gpu: UInt32, compute: UInt32)? = nil, busyPercent: UInt32? = nil
    ) {
      self.pid = pid
      self.memoryBytes = memoryBytes
      self.kind = kind
      self.instance = instance
      self.busyPercent = busyPercent
    }

    public static func == (left: Process, right: Process) -> Bool {
      left.pid == right.pid && left.memoryBytes == right.memoryBytes && left.kind == right.kind
        && left.instance?.gpu == right.instance?.gpu
        && left.instance?.compute == right.instance?.compute
        && left.busyPercent == right.busyPercent
    }
  }

  /// Adds a GPU of the given name and memory, idle and healthy; more keys may follow.
  ///
  /// - Parameters:
  ///   - index: Its number, 0...255.
  ///   - memoryMiB: All of its memory, in MiB.
  public mutating func addGPU(_ index: Int, name: String, memoryMiB: UInt64) {
    set(
      "gpu \(index)",
      [
        "name": name, "memory_total": "\(memoryMiB) MiB", "memory_reserved": "0",
        "memory_used": "0", "gpu_utilization": "0", "memory_utilization": "0",
        "temperature_c": "30",
      ])
  }

  /// Adds a process to a GPU, behind those that it has.
  public mutating func addProcess(_ process: Process, to gpu: Int) {
    var number = 0
    while self["gpu \(gpu) process \(number)", "pid"] != nil { number += 1 }
    set(
      "gpu \(gpu) process \(number)",
      [
        "pid": "\(process.pid)", "memory": process.memoryBytes.map { "\($0)" },
        "type": process.kind.rawValue, "gi": process.instance.map { "\($0.gpu)" },
        "ci": process.instance.map { "\($0.compute)" },
        "sm": process.busyPercent.map { "\($0)" },
      ])
  }

  /// Adds an XID error that is delivered once to those who wait for it.
  public mutating func addXID(_ xid: UInt64, gpu: Int, afterMilliseconds: Int = 0) {
    var number = 0
    while self["event \(number)", "gpu"] != nil { number += 1 }
    set(
      "event \(number)",
      ["gpu": "\(gpu)", "type": "xid", "data": "\(xid)", "after_ms": "\(afterMilliseconds)"])
  }

  /// Makes every call on a GPU, and getting its handle, answer a return code of NVML.
  ///
  /// 15 is a lost GPU, 4 one that this process may not see.
  public mutating func fail(gpu: Int, code: Int) {
    self["gpu \(gpu)", "handle"] = "\(code)"
    self["gpu \(gpu)", "every_call"] = "\(code)"
  }
}
