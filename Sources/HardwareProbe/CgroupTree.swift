/// The kernel's resource controllers that bound what this machine can offer.
enum CgroupController: String, CaseIterable {
  case cpu, cpuset, memory
}

/// Where the limits of one controller stand: the cgroup of this process and all its ancestors that
/// can be seen.
struct CgroupPlace: Equatable {
  enum Version: Equatable { case v1, v2 }

  var version: Version

  /// Directories from the process's own cgroup up to the mount, as paths of the machine.
  var levels: [String]

  /// True when the process's own cgroup lies outside what is mounted, so that only the limits of
  /// the mount itself are known.
  var isPartial: Bool

  /// True for cpusets whose files are named without `cpuset.`, as before cgroups.
  var isBare = false
  /// True when a v1 hierarchy of cpusets behaves like v2: then what a cpuset says may be more than
  /// what it has.
  var isEffectiveOnly = false
}

/// Finds the cgroups of a process from `/proc/self/mountinfo` and `/proc/self/cgroup`.
///
/// The mounts decide, not the lines of `/proc/self/cgroup`: a hybrid host prints `0::/` beside its
/// v1 controllers, and a container prints paths that mean something only where they are mounted.
enum CgroupTree {
  /// One cgroup file system of `/proc/self/mountinfo`.
  struct Mount: Equatable {
    /// The cgroup that the mount shows (field 4), seen from this process's cgroup namespace.
    var root: String
    /// Where it is mounted.
    var point: String
    /// The v1 controllers it carries; nil for the v2 hierarchy.
    var controllers: Set<String>?
  }

  /// One line of `/proc/self/cgroup`; `controllers` is empty for the v2 line.
  struct Membership: Equatable {
    var controllers: Set<String>
    var path: String
  }

  /// Reads the place of every controller that is mounted.
  static func read(from tree: inout FileTree) -> [CgroupController: CgroupPlace] {
    let mounts =
      if let mountinfo = tree.text("/proc/self/mountinfo") {
        parseMounts(mountinfo)
      } else {
        parseMountTable(tree.text("/proc/mounts") ?? "")
      }
    var memberships = parseMemberships(tree.text("/proc/self/cgroup") ?? "")
    if memberships.isEmpty, let path = tree.line("/proc/self/cpuset"), path.hasPrefix("/") {
      // Kernels without the one file may still have the other; it holds for both versions.
      memberships = [
        Membership(controllers: ["cpuset"], path: path), Membership(controllers: [], path: path),
      ]
    }
    return places(mounts: mounts, memberships: memberships)
  }

  /// The place of every controller that is mounted.
  static func places(
    mounts: [Mount], memberships: [Membership]
  ) -> [CgroupController: CgroupPlace] {
    var places: [CgroupController: CgroupPlace] = [:]
    for controller in CgroupController.allCases {
      places[controller] = place(of: controller, mounts: mounts, memberships: memberships)
    }
    return places
  }

  private static func place(
    of controller: CgroupController, mounts: [Mount], memberships: [Membership]
  ) -> CgroupPlace? {
    let name = controller.rawValue
    let v1 = mounts.filter { $0.controllers?.contains(name) == true }
    if !v1.isEmpty {
      let own = memberships.first { $0.controllers.contains(name) }
      var place = place(.v1, among: v1, path: own?.path ?? "/")
      let options = v1.reduce(into: Set<String>()) { $0.formUnion($1.controllers ?? []) }
      place?.isBare = options.contains("noprefix")
      place?.isEffectiveOnly = options.contains("cpuset_v2_mode")
      return place
    }
    let v2 = mounts.filter { $0.controllers == nil }
    let own = memberships.first { $0.controllers.isEmpty }
    return v2.isEmpty ? nil : place(.v2, among: v2, path: own?.path ?? "/")
  }

  /// A hierarchy may be mounted several times; the first mount that shows the own cgroup counts.
  private static func place(
    _ version: CgroupPlace.Version, among mounts: [Mount], path: String
  ) -> CgroupPlace? {
    let places = mounts.map { place(version, in: $0, path: path) }
    return places.first { !$0.isPartial } ?? places.first
  }

  private static func place(
    _ version: CgroupPlace.Version, in mount: Mount, path: String
  ) -> CgroupPlace {
    guard let below = components(of: path, below: mount.root) else {
      return CgroupPlace(version: version, levels: [mount.point], isPartial: true)
    }
    let point = mount.point == "/" ? "" : mount.point
    var levels = [mount.point]
    var directory = point
    for component in below.prefix(ProbeLimits.cgroupDepth) {
      directory += "/" + component
      levels.append(directory)
    }
    return CgroupPlace(
      version: version, levels: levels.reversed(), isPartial: below.count >= levels.count)
  }

  /// The components of `path` that lead from `root` down to it. Nil when `path` is not below
  /// `root`, which a path through a parent (`/..`) of the namespace need not be.
  static func components(of path: String, below root: String) -> [Substring]? {
    let path = path.split(separator: "/").filter { $0 != "." }
    let root = root.split(separator: "/").filter { $0 != "." }
    guard path.starts(with: root) else { return nil }
    let below = path.dropFirst(root.count)
    return below.contains("..") ? nil : Array(below)
  }

  /// What the file system of cpusets from before cgroups stands for.
  private static let bareCpuset: Set<String> = ["cpuset", "noprefix"]

  /// The cgroup mounts, in the order of the text; other lines and malformed ones are left out.
  static func parseMounts(_ mountinfo: String) -> [Mount] {
    mountinfo.split(whereSeparator: \.isNewline).compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 10, let dash = fields.dropFirst(6).firstIndex(of: "-"),
        fields.count > dash + 3
      else { return nil }
      let root = unescape(fields[3])
      let point = unescape(fields[4])
      guard root.hasPrefix("/"), point.hasPrefix("/") else { return nil }
      switch fields[dash + 1] {
      case "cgroup2":
        return Mount(root: root, point: point, controllers: nil)
      case "cgroup":
        let options = fields[dash + 3].split(separator: ",").map(String.init)
        return Mount(root: root, point: point, controllers: Set(options))
      case "cpuset":
        return Mount(root: root, point: point, controllers: bareCpuset)
      default:
        return nil
      }
    }
  }

  /// The cgroup mounts of `/proc/mounts`, for sandboxes that hide mountinfo. It does not say which
  /// part of a hierarchy is mounted, so the whole is assumed.
  static func parseMountTable(_ mounts: String) -> [Mount] {
    mounts.split(whereSeparator: \.isNewline).compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 4, fields[1].hasPrefix("/") else { return nil }
      let options = fields[3].split(separator: ",").map(String.init)
      switch fields[2] {
      case "cgroup2": return Mount(root: "/", point: unescape(fields[1]), controllers: nil)
      case "cgroup":
        return Mount(root: "/", point: unescape(fields[1]), controllers: Set(options))
      case "cpuset":
        return Mount(root: "/", point: unescape(fields[1]), controllers: bareCpuset)
      default: return nil
      }
    }
  }

  /// The lines of `/proc/self/cgroup`; malformed ones are left out.
  static func parseMemberships(_ cgroup: String) -> [Membership] {
    cgroup.split(whereSeparator: \.isNewline).compactMap { line in
      // The path may hold colons: only the first two separate.
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, Decimal.parse(fields[0]) != nil, fields[2].hasPrefix("/") else {
        return nil
      }
      let controllers = fields[1].split(separator: ",").map(String.init)
      return Membership(controllers: Set(controllers), path: String(fields[2]))
    }
  }

  /// Undoes the kernel's `\040` for blank, tab, newline and backslash in mountinfo.
  static func unescape(_ text: some StringProtocol) -> String {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let digits = bytes[(index + 1)...].prefix(3)
      if bytes[index] == UInt8(ascii: "\\"), digits.count == 3,
        digits.allSatisfy({ (48...55).contains($0) })
      {
        result.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 48) })
        index += 4
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
