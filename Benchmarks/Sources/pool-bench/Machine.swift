import CAllocations
import Glibc
import Workload

/// What this runs on, and what it takes of it.
enum Machine {
  /// Cores, model and memory.
  static var description: String {
    let model = line(of: "/proc/cpuinfo", after: "model name")
    let kilobytes = Int(line(of: "/proc/meminfo", after: "MemTotal").prefix { $0.isNumber }) ?? 0
    let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return "\(cores) cores of \(model), \((kilobytes + 524_288) >> 20) GiB"
  }

  /// Processes that ran or waited for a core, by the last minute. Unit: processes.
  static var load: String { String(text(of: "/proc/loadavg").prefix { $0 != " " }) }

  /// Memory that is resident. Unit: bytes.
  static var resident: Int {
    let fields = text(of: "/proc/self/statm").split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
  }

  /// What the process holds of its heap. Unit: bytes.
  static var heap: Int { Int(heap_bytes()) }

  /// Ends the process where the counter of allocations is not in force.
  static func checkCounter() {
    let before = allocations_made()
    var blocks: [UnsafeMutableRawPointer] = []
    blocks.reserveCapacity(1_000)
    for _ in 0..<1_000 { blocks.append(.allocate(byteCount: 64, alignment: 16)) }
    for block in blocks { block.deallocate() }
    let counted = allocations_made() - before
    guard counted >= 1_000, counted < 1_010 else {
      print("1,000 allocations were counted as \(counted): the counts here say nothing")
      exit(1)
    }
  }

  private static func line(of path: String, after name: String) -> String {
    for line in text(of: path).split(separator: "\n") where line.hasPrefix(name) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      return String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    return "?"
  }

  private static func text(of path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
