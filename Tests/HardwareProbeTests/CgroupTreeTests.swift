import Testing

@testable import HardwareProbe

@Suite struct CgroupTreeTests {
  private func places(
    _ mountinfo: String, _ cgroup: String
  ) -> [CgroupController: CgroupPlace] {
    CgroupTree.places(
      mounts: CgroupTree.parseMounts(mountinfo), memberships: CgroupTree.parseMemberships(cgroup))
  }

  /// Mount root, path of the process, levels below the mount (deepest first), partial.
  static let paths: [(String, String, [String], Bool)] = [
    ("/", "/", ["/m"], false),
    ("/", "/a/b", ["/m/a/b", "/m/a", "/m"], false),
    ("/docker/x", "/docker/x", ["/m"], false),
    ("/docker/x", "/docker/x/y", ["/m/y", "/m"], false),
    ("/docker/x", "/docker/xy", ["/m"], true),
    ("/docker/x", "/", ["/m"], true),
    ("/..", "/", ["/m"], true),
    ("/..", "/../sibling", ["/m/sibling", "/m"], false),
    ("/../..", "/../../a/b", ["/m/a/b", "/m/a", "/m"], false),
    ("/", "/../sibling", ["/m"], true),
    ("/", "/a/../b", ["/m"], true),
    ("/", "//a///b/", ["/m/a/b", "/m/a", "/m"], false),
  ]

  @Test(arguments: paths)
  func levels(root: String, path: String, levels: [String], isPartial: Bool) {
    let mountinfo = "31 23 0:26 \(root) /m rw - cgroup2 cgroup2 rw\n"
    let places = places(mountinfo, "0::\(path)\n")
    for controller in CgroupController.allCases {
      #expect(
        places[controller] == CgroupPlace(version: .v2, levels: levels, isPartial: isPartial))
    }
  }

  @Test func escapedBlanksAndColonsInPaths() {
    let mountinfo = #"31 23 0:26 / /m\040m\011t\134 rw - cgroup cgroup rw,memory"#
    let places = places(mountinfo, "4:memory:/a:b c\n")
    #expect(places[.memory]?.levels == ["/m m\tt\\/a:b c", "/m m\tt\\"])
    #expect(places[.cpu] == nil)
  }

  @Test func controllersThatAreOnlyCompiledInAreNotMounted() {
    let places = places("", "4:memory:/a\n0::/\n")
    #expect(places.isEmpty)
  }

  @Test func theMountThatShowsTheOwnCgroupCounts() {
    let mountinfo = """
      30 23 0:26 /other /elsewhere rw - cgroup2 cgroup2 rw
      31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
      """
    let places = places(mountinfo, "0::/own\n")
    #expect(places[.cpu]?.levels == ["/sys/fs/cgroup/own", "/sys/fs/cgroup"])
  }

  @Test func optionalFieldsAndDashesInNames() {
    let mountinfo = "31 23 0:26 / /- rw shared:1 master:2 - cgroup2 - rw\n"
    #expect(
      CgroupTree.parseMounts(mountinfo)
        == [CgroupTree.Mount(root: "/", point: "/-", controllers: nil)])
  }

  @Test func depthIsBounded() {
    let path = String(repeating: "/a", count: 5000)
    let mountinfo = "31 23 0:26 / /m rw - cgroup2 cgroup2 rw\n"
    let place = places(mountinfo, "0::\(path)\n")[.cpu]
    #expect(place?.levels.count == ProbeLimits.cgroupDepth + 1)
    #expect(place?.isPartial == true)
  }

  @Test(
    arguments: [
      ("150000", "100000", 1500), ("100000", "100000", 1000), ("1", "3", 334),
      ("1000", "1000000", 1),
      ("1", "1000000", 1), ("0", "100000", nil), ("100000", "0", nil), ("-1", "100000", nil),
      ("18446744073709551615", "1", nil), ("x", "1", nil), ("", "", nil),
    ] as [(String, String, UInt64?)])
  func quotaInMilliCores(quota: String, period: String, milli: UInt64?) {
    #expect(CgroupLimits.milli(quota: quota, period: period) == milli)
  }
}
