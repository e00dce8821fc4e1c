import PoolAllocator

/// Jobs of a real cluster, read from text: comma-separated values with the header
/// `vc,job,submit_s,gpus,duration_s`, a job a line, sorted by arrival or not.
///
/// Each `vc` is a tenant. Quotes have no meaning. Every bound is a limit of what is read, so that a
/// wrong file is refused and not worked on for hours.
public struct FairnessTrace: Sendable {
  /// The header.
  public static let header = "vc,job,submit_s,gpus,duration_s"
  /// Longest line. Unit: bytes.
  public static let lineBytesMax = TraceText.lineBytesMax
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
  public init(_ bytes: [UInt8]) throws(TraceError) {
    let line = try TraceText.forEachLine(of: bytes) { (text, line) throws(TraceError) in
      try read(text, line)
    }
    guard line > 0 else {
      throw TraceError(
        line: 1, message: "the file is empty; its first line is \(Self.header)")
    }
    guard !jobs.isEmpty else {
      throw TraceError(line: line, message: "no job follows the header")
    }
    let order = jobs.indices.sorted { (jobs[$0].arrives, $0) < (jobs[$1].arrives, $1) }
    jobs = order.map { jobs[$0] }
  }

  private mutating func read(
    _ bytes: ArraySlice<UInt8>, _ line: Int
  ) throws(TraceError) {
    if line == 1 {
      guard bytes.elementsEqual(Self.header.utf8) else {
        throw TraceError(line: 1, message: "the first line must be \(Self.header)")
      }
      return
    }
    let fields = TraceText.fields(bytes)
    guard fields.count == 5 else {
      throw TraceError(
        line: line, message: "\(fields.count) fields; a line has 5: \(Self.header)")
    }
    guard jobs.count < Self.jobsMax else {
      throw TraceError(line: line, message: "more than \(Self.jobsMax) jobs; cut the file")
    }
    let tenant = try tenant(fields[0], line)
    _ = try TraceText.number(fields[1], "job", 0...Int64.max, line)
    let submit = try TraceText.number(fields[2], "submit_s", 0...Self.secondsMax, line)
    let gpus = try TraceText.number(fields[3], "gpus", 1...Self.gpusMax, line)
    let runs = try TraceText.number(fields[4], "duration_s", 1...Self.secondsMax, line)
    var job = FairnessJob(
      arrives: Instant(ns: submit * 1_000_000_000), tenant: tenant, rank: 2, runs: .seconds(runs))
    (job.members, job.gpus) = try Self.members(gpus, line)
    jobs.append(job)
  }

  private mutating func tenant(
    _ bytes: ArraySlice<UInt8>, _ line: Int
  ) throws(TraceError) -> Int {
    let name = try TraceText.name(bytes, "vc", bytesMax: Self.nameBytesMax, line)
    if let known = numbers[name] { return known }
    guard tenants.count < Self.tenantsMax else {
      throw TraceError(line: line, message: "more than \(Self.tenantsMax) different vc")
    }
    numbers[name] = tenants.count
    tenants.append(name)
    return tenants.count - 1
  }

  /// Members of a job on nodes of 8 GPUs: as few as hold it, all of one size.
  private static func members(
    _ gpus: Int64, _ line: Int
  ) throws(TraceError) -> (members: Int, gpus: Int) {
    var each = min(gpus, Int64(gpusPerNode))
    while gpus % each != 0 { each -= 1 }
    guard gpus / each <= Limits.members else {
      throw TraceError(
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
