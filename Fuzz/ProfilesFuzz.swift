// Properties: no file crashes a reader; errors lie inside the file and say something; what a reader
// accepts can be expanded, held against profiles and matched without a crash.
import HardwareProbe

/// libFuzzer's entry point; other return values than 0 are reserved.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProfiles(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  let text = String(decoding: bytes, as: UTF8.self)
  // The name must be the file's; taken from the text, so that good files stay good.
  let mark = "\"name\": \""
  let rest = text.range(of: mark).map { text[$0.upperBound...] } ?? "x"
  let stem = String(rest.prefix { $0.isLowercase || $0.isNumber || $0 == "-" }.prefix(64))
  let file = "\(stem).json"
  do throws(ProfileErrors) {
    checkProfile(try HardwareProfile(json: text, file: file))
  } catch {
    check(error, file, lines: bytes.count { $0 == 10 } + 1)
  }
  do throws(ProfileErrors) {
    checkShape(try NodeShape(json: text, file: file))
  } catch {
    check(error, file, lines: bytes.count { $0 == 10 } + 1)
  }
  return 0
}

extension String {
  /// Where a text stands first.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}

private func check(_ error: ProfileErrors, _ file: String, lines: Int) {
  guard !error.messages.isEmpty else { fatalError("an error without words") }
  for message in error.messages {
    let parts = message.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == file, let line = Int(parts[1]), Int(parts[2]) != nil,
      (1...lines).contains(line)
    else { fatalError("an error outside the file: \(message)") }
  }
}

private func checkProfile(_ profile: HardwareProfile) {
  guard profile.weightMilli >= 1 else { fatalError("not a profile") }
  for slice in profile.migSlices {
    guard let axes = profile.migAxes, (1...1000).contains(slice.billedMilli),
      slice.placementStarts.allSatisfy({ $0 + (slice.placementSize ?? 0) <= axes.memorySlices })
    else { fatalError("a partition beyond its GPU: \(slice)") }
  }
  guard profile.kind == .gpu else { return }
  let facts = DeviceFacts(
    name: profile.match.nvmlNames.first, memoryMiB: profile.memoryMiB)
  let match = ProfileMatcher.explain(facts, among: [profile])
  let names = ["NVIDIA Graphics Device", "Graphics Device", "NVIDIA", "Unknown"]
  guard match.match.name == profile.name || names.contains(facts.name ?? "") else {
    fatalError("a profile that does not match itself: \(match)")
  }
}

private func checkShape(_ shape: NodeShape) {
  let gpus = shape.gpus
  let count = shape.groups.reduce(0) { $0 + $1.count }
  guard gpus.count == count, gpus.map(\.index) == Array(0..<count),
    shape.host.numaNodes.reduce(0, { $0 + $1.cpus.count }) == shape.host.logicalCPUs,
    gpus.allSatisfy({ PCIAddress($0.pciBusID)?.nvmlForm == $0.pciBusID })
  else { fatalError("a shape that contradicts itself") }
  _ = shape.driver?.cudaNumber
  _ = shape.host.memoryMiB
  if let empty = try? ProfileCatalogue(profiles: []) {
    guard shape.check(against: empty).count >= min(1, count) else {
      fatalError("profiles from nowhere")
    }
  }
}
