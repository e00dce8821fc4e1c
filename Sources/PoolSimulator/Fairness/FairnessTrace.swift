import PoolAllocator

/// What is wrong with a trace, and where.
public struct FairnessTraceError: Error, Hashable, Sendable {
  /// The line, from 1.
  public var line: Int
  /// What is wrong, and what would be right.
  public var message: String
}

/// Jobs of a real cluster, read from text: comma-separated values with the header
/// `vc,job,submit_s,gpus,duration_s`, a job a line, sorted by arrival or not.
///
/// Each `vc` is a tenant. Quotes have no meaning. Every bound is a limit of what is read, so that a
/// wrong file is refused and not worked on for hours.
public struct FairnessTrace: Sendable {
  /// The header.
  public static let header = "vc,job,submit_s,gpus,duration_s"
  /// Longest line. Unit: bytes.
  public static let lineBytesMax = 1_024
  /// Most jobs. Unit: jobs.
  public static let jobsMax = 100_000
  /// Most tenants. Unit: tenants.
  public static let tenantsMax = 64
  /// Longest name of a tenant. Unit: bytes.
  public static let nameBytesMax = 64
  /// Most GPUs of one job, 64 nodes of 8. Unit: GPUs.
  public static let gpusMax: Int64 = 512
  /// Latest arrival, and longest runtime: a year. Unit: seconds.
  public static let secondsMax: Int64 = 365 * 86_400
  /// GPUs of each node. Unit: GPUs.
  public static let gpusPerNode = 8

  /// Names of the tenants, in the order in which they first come.
  public private(set) var tenants: [String] = []
  /// The jobs, by arrival.
  public private(set) var jobs: [FairnessJob] = []

  private var numbers: [String: Int] = [:]

  /// Reads a trace.
  /// - Throws: the first error, with its line.
  /// - Complexity: O(bytes + n log n) in the jobs.
  public init(_ bytes: [UInt8]) throws(FairnessTraceError) {
    var line = 0
    var start = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
      line += 1
      var last = end
      if last > start, bytes[last - 1] == UInt8(ascii: "\r") { last -= 1 }
      try read(bytes[start..<last], line)
      start = end + 1
    }
    guard line > 0 else {
      throw FairnessTraceError(
        line: 1, message: "the file is empty; its first line is \(Self.header)")
    }
    guard !jobs.isEmpty else {
      throw FairnessTraceError(line: line, message: "no job follows the header")
    }
    let order = jobs.indices.sorted { (jobs[$0].arrives, $0) < (jobs[$1].arrives, $1) }
    jobs = order.map { jobs[$0] }
  }

  private mutating func read(
    _ bytes: ArraySlice<UInt8>, _ line: Int
  ) throws(FairnessTraceError) {
    guard bytes.count <= Self.lineBytesMax else {
      throw FairnessTraceError(
        line: line, message: "the line is longer than \(Self.lineBytesMax) bytes")
    }
    if line == 1 {
      guard bytes.elementsEqual(Self.header.utf8) else {
        throw FairnessTraceError(line: 1, message: "the first line must be \(Self.header)")
      }
      return
    }
    let fields = bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard fields.count == 5 else {
      throw FairnessTraceError(
        line: line, message: "\(fields.count) fields; a line has 5: \(Self.header)")
    }
    guard jobs.count < Self.jobsMax else {
      throw FairnessTraceError(line: line, message: "more than \(Self.jobsMax) jobs; cut the file")
    }
    let tenant = try tenant(fields[0], line)
    _ = try number(fields[1], "job", 0...Int64.max, line)
    let submit = try number(fields[2], "submit_s", 0...Self.secondsMax, line)
    let gpus = try number(fields[3], "gpus", 1...Self.gpusMax, line)
    let runs = try number(fields[4], "duration_s", 1...Self.secondsMax, line)
    var job = FairnessJob(
      arrives: Instant(ns: submit * 1_000_000_000), tenant: tenant, rank: 2, runs: .seconds(runs))
    (job.members, job.gpus) = try Self.members(gpus, line)
    jobs.append(job)
  }

  private mutating func tenant(
    _ bytes: ArraySlice<UInt8>, _ line: Int
  ) throws(FairnessTraceError) -> Int {
    guard (1...Self.nameBytesMax).contains(bytes.count),
      let name = String(validating: bytes, as: UTF8.self)
    else {
      throw FairnessTraceError(
        line: line, message: "vc is no UTF-8 name of 1 to \(Self.nameBytesMax) bytes")
    }
    if let known = numbers[name] { return known }
    guard tenants.count < Self.tenantsMax else {
      throw FairnessTraceError(line: line, message: "more than \(Self.tenantsMax) different vc")
    }
    numbers[name] = tenants.count
    tenants.append(name)
    return tenants.count - 1
  }

  private func number(
    _ bytes: ArraySlice<UInt8>, _ field: String, _ range: ClosedRange<Int64>, _ line: Int
  ) throws(FairnessTraceError) -> Int64 {
    // Digits alone: `Int64` would take a plus sign too.
    guard !bytes.isEmpty, bytes.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
      let value = Int64(String(decoding: bytes, as: UTF8.self)), range.contains(value)
    else {
      let upper = range.upperBound == .max ? "" : " to \(range.upperBound)"
      throw FairnessTraceError(
        line: line, message: "\(field) is no whole number from \(range.lowerBound)\(upper)")
    }
    return value
  }

  /// Members of a job on nodes of 8 GPUs: as few as hold it, all of one size.
  private static func members(
    _ gpus: Int64, _ line: Int
  ) throws(FairnessTraceError) -> (members: Int, gpus: Int) {
    var each = min(gpus, Int64(gpusPerNode))
    while gpus % each != 0 { each -= 1 }
    guard gpus / each <= Limits.members else {
      throw FairnessTraceError(
        line: line, message: "\(gpus) GPUs cannot be split evenly over nodes of \(gpusPerNode)")
    }
    return (Int(gpus / each), Int(each))
  }

  /// The trace as a mix: tenants of equal weight, all work in P2, claims that know how long they
  /// run. It is measured up to the arrival of nine tenths of its jobs: the last come thinly.
  /// - Parameter nodes: nodes of 8 GPUs; nil: as many as what comes with the first half of the jobs
  ///   would fill if it were spread evenly over their arrivals, and enough for the largest job.
  public func mix(nodes: Int?) -> FairnessMix {
    let half = jobs[..<((jobs.count + 1) / 2)]
    let work = half.reduce(Int128(0)) { $0 + $1.work }
    let time = Int128(max(1, half.last?.arrives.ns ?? 0)) * Int128(Self.gpusPerNode)
    let even = Int(clamping: (work + time - 1) / time)
    let largest = jobs.map(\.members).max() ?? 1
    let end = jobs[(jobs.count * 9 + 9) / 10 - 1].arrives
    var mix = FairnessMix(
      name: "trace", summary: "a real trace; every virtual cluster is a tenant",
      nodes: nodes ?? min(1_000, max(largest, even)), gpusPerNode: Self.gpusPerNode,
      tenants: tenants.map { FairnessTenant($0) }, end: end,
      leaseMax: jobs.map(\.runtimeMax).max() ?? .zero)
    mix.jobs = jobs
    mix.ageingStep = .seconds(3_600)
    mix.quantum = .seconds(86_400)
    return mix
  }
}
