import Foundation
import ProbeFakes
import Testing

@Suite("The probe command")
struct ProbeTests {
  static let h100 = """
    name = NVIDIA H100 80GB HBM3
    memory_total = 81559 MiB
    memory_used = 1 GiB
    compute_capability = 9.0
    power_usage_mw = 412000

    """

  static let mixed =
    "[driver]\ndriver_version = 550.1\ncuda_version = 12.4\n"
    + "[gpu 0]\n\(h100)[gpu 1]\n\(h100)mig_mode = on\nmig_max_devices = 7\n"
    + "[gpu 1 mig 2]\ngi = 3\nci = 0\nprofile = 1g.10gb\nmemory_total = 9984 MiB\n"
    + "[gpu 1 gi 3]\nprofile = 19\nplacement = 2:1\n"
    + "[gpu 0 process 0]\npid = 7\n[gpu 2]\nhandle = 15\n"

  static func json(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func probe(_ configuration: String, _ flags: String...) throws -> Agent.Result {
    let library = try #require(FakeNVML(configuration), "the fake library is not built")
    return try withExtendedLifetime(library) {
      try Agent.run(["probe", "--nvml", library.path] + flags)
    }
  }

  @Test("a document of the schema, from a node with faults, partitions and processes")
  func document() throws {
    let result = try probe(Self.mixed, "--json")
    #expect(result.code == 0 && result.err.isEmpty)
    #expect(try SchemaCheck.findings(result.out, "probe") == [])
    let object = try Self.json(result.out)
    let devices = try #require(object["devices"] as? [[String: Any]])
    #expect(devices.map { $0["state"] as? String } == ["usable", "usable", "unusable"])
    #expect(devices[2]["memory_total_bytes"] is NSNull && devices[2]["uuid"] is NSNull)
    let mig = try #require(devices[1]["mig"] as? [String: Any])
    let instances = try #require(mig["instances"] as? [[String: Any]])
    #expect(instances.map { $0["profile"] as? String } == ["1g.10gb"])
    let advertised = try #require(object["advertised"] as? [[String: Any]])
    #expect(
      advertised.map { $0["profile"] as? String } == ["h100-sxm-80gb", "h100-sxm-80gb/1g.10gb"])
    #expect(advertised.map { $0["milli_gpu"] as? Int } == [1000, 125])
  }

  @Test("documents of machines without a driver fit the schema too")
  func poor() throws {
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    for flags in [["--root", folder.path], ["--nvml", "/nonexistent.so"]] {
      let result = try Agent.run(["probe", "--json"] + flags)
      #expect(result.code == 0)
      #expect(try SchemaCheck.findings(result.out, "probe") == [])
    }
  }

  @Test("a GPU that hangs costs itself; the probe answers and the others are there")
  func hangingGPU() throws {
    let result = try probe(
      Self.mixed + "[gpu 0]\nGetPowerUsage = hang\n", "--json", "--deadline", "2000")
    #expect(result.code == 0)
    let object = try Self.json(result.out)
    let devices = try #require(object["devices"] as? [[String: Any]])
    #expect(devices.map { $0["state"] as? String } == ["unknown", "usable", "unusable"])
    // Generous for a busy machine; without a deadline it would be for ever.
    #expect(try #require(object["elapsed_ms"] as? Double) < 60_000)
  }

  @Test("a driver that hangs in its first call is late, and CPUs are offered all the same")
  func hangingDriver() throws {
    let result = try probe(
      "[driver]\nevery_call = hang\nnvmlInitWithFlags = hang\n", "--json", "--deadline", "300")
    #expect(result.code == 0)
    let object = try Self.json(result.out)
    let nvml = try #require(object["nvml"] as? [String: Any])
    #expect(nvml["status"] as? String == "late")
    let cpu = try #require(object["cpu"] as? [String: Any])
    #expect(try #require(cpu["usable_milli"] as? Int) >= 1000)
    #expect(try SchemaCheck.findings(result.out, "probe") == [])
  }

  @Test("--strict ends with 11 when a device cannot be used, and names it")
  func strict() throws {
    let bad = try probe(Self.mixed, "--strict")
    #expect(bad.code == 11)
    #expect(bad.err.contains("strict: device 2 is unusable: GPU is lost (NVML code 15)"))
    #expect(try probe("[gpu 0]\n\(Self.h100)", "--strict").code == 0)
    #expect(try probe("[gpu 0]\n\(Self.h100)name = Odd\n", "--strict").code == 11)
    #expect(try probe("[driver]\ninit = 9\n", "--strict").code == 11)
    let missing = try Agent.run("probe", "--strict", "--nvml", "/nonexistent.so")
    #expect(missing.code == 11 && missing.err.contains("strict: no NVML library: "))
    let root = FakeMachine()
    let empty = try Agent.run("probe", "--strict", "--driver-root", root.root)
    #expect(empty.code == 11 && empty.err.contains("strict: no NVML library: "))
  }

  @Test("the driver of a driver root is asked, in the child too, and its place is said")
  func driverRoot() throws {
    let library = try #require(FakeNVML("[gpu 0]\n\(Self.h100)"), "the fake library is not built")
    let root = FakeMachine()
    for file in ["libnvidia-ml.so.1", "fake_nvml.ini"] {
      root.link("/usr/lib/x86_64-linux-gnu/\(file)", to: "\(library.folder)/\(file)")
    }
    let result = try withExtendedLifetime((library, root)) {
      try Agent.run("probe", "--json", "--driver-root", root.root)
    }
    #expect(result.code == 0 && result.err.isEmpty)
    let object = try Self.json(result.out)
    let nvml = try #require(object["nvml"] as? [String: Any])
    let path = try #require(nvml["path"] as? String)
    #expect(path.hasSuffix("/libnvidia-ml.so.1"))
    let devices = try #require(object["devices"] as? [[String: Any]])
    #expect(devices.map { $0["profile"] as? String } == ["h100-sxm-80gb"])
  }

  @Test("--watch prints again, with events and changes of health, until it is interrupted")
  func watch() throws {
    let library = try #require(
      FakeNVML(
        "[gpu 0]\n\(Self.h100)[event 0]\ngpu = 0\ntype = xid\ndata = 79\nafter_ms = 0\n"
          + "repeat = forever\nevery_ms = 200\n"))
    let result = try withExtendedLifetime(library) {
      try Agent.watch(["--nvml", library.path]) { printed, said in
        printed.components(separatedBy: "NODE ").count > 3 && said.contains("health:")
      }
    }
    #expect(result.code == 130)
    #expect(result.out.components(separatedBy: "NODE ").count > 3)
    #expect(result.err.contains("XID 79: GPU has fallen off the bus (fatal)"), "\(result.err)")
    #expect(result.err.contains("-> needs_reset: XID 79"), "\(result.err)")
  }

  @Test(
    "usage errors",
    arguments: [
      (["--interval", "3"], "--interval goes with --watch only"),
      (["--watch", "--interval", "0"], "not a whole number from 1 to 3600"),
      (["--watch", "--strict"], "exclude one another"),
      (["--deadline", "9"], "not a whole number from 10 to 600000"),
      (["--fake", "x.json", "--nvml", "y"], "--fake and --nvml exclude one another"),
      (["--fake", "/no/such.json"], "there is no such file"),
      (["--json", "--json"], "--json is given twice"),
      (["--strict", "--json", "--strict"], "--strict is given twice"),
      (["--driver-root", "/no/such"], "give the directory that holds the driver's usr"),
      (["--driver-root", "README.md"], "there is no such directory"),
      (["--driver-root"], "--driver-root needs a directory"),
      (["--driver-root", ".", "--nvml", "y"], "--nvml and --driver-root exclude one another"),
      (["--fake", "x.json", "--driver-root", "."], "--fake and --driver-root exclude one another"),
      (["--nvml", "no/such.so"], "--nvml \"no/such.so\": there is no such file"),
      (["--root", "/no/such"], "give the directory that holds proc and sys"),
      (["--fake", "README.md"], "the node shape cannot be used"),
    ])
  func usage(flags: [String], message: String) throws {
    let result = try Agent.run(["probe"] + flags)
    #expect(result.code == 2 && result.out.isEmpty)
    #expect(result.err.contains(message), "\(result.err)")
  }

  @Test("every described node can be probed and advertised, without the fake library")
  func described() throws {
    let folder = Agent.root.appending(path: "hardware-profiles/nodes")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".json") }
    #expect(!files.isEmpty)
    for file in files {
      let path = "hardware-profiles/nodes/\(file)"
      let json = try Agent.run("probe", "--json", "--fake", path)
      #expect(json.code == 0, "\(file): \(json.err)")
      #expect(try SchemaCheck.findings(json.out, "probe") == [], "\(file)")
      let node = try Agent.run("advertise", "--once", "--fake", path)
      #expect(node.code == 0, "\(file): \(node.err)")
      #expect(try SchemaCheck.findings(node.out, "node") == [], "\(file)")
    }
  }

  @Test("GPUs with and without NVLink are two islands")
  func islands() throws {
    let node = try Agent.run(
      "advertise", "--once", "--fake",
      Agent.root.appending(path: "hardware-profiles/nodes/mixed.json").path)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(node.out.utf8)) as? [String: Any])
    let gpus = (object["devices"] as? [[String: Any]] ?? []).filter {
      $0["kind"] as? String == "gpu"
    }
    #expect(gpus.map { $0["island"] as? Int ?? 0 } == [0, 0, 1, 1])
  }

  @Test("what is advertised is what place takes, MIG devices included")
  func advertised() throws {
    let library = try #require(FakeNVML(Self.mixed))
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try Agent.run("advertise", "--once", "--nvml", library.path)
    #expect(result.code == 0)
    #expect(result.err.contains("device 2 is left out: GPU is lost (NVML code 15)"))
    #expect(try SchemaCheck.findings(result.out, "node") == [])
    let devices = try #require(try Self.json(result.out)["devices"] as? [[String: Any]])
    let cut = try #require(devices.first { $0["mig"] != nil })
    let parts = try #require(cut["mig"] as? [[String: Any]])
    #expect(parts.map { $0["slots"] as? [Int] } == [[2]])
    let file = folder.appending(path: "node.json")
    try Data(result.out.utf8).write(to: file)
    let placed = try Agent.run(
      "place", "--policy", Agent.policy, "--claims", Agent.claims, "--nodes", file.path, "--json")
    #expect(placed.code == 0, "\(placed.err)")
  }

  @Test("a MIG device that was advertised is granted, and only as often as it is there")
  func grantedPartition() throws {
    let cut =
      Self.mixed + "[gpu 1 mig 4]\ngi = 5\nci = 0\nprofile = 1g.10gb\nmemory_total = 9984 MiB\n"
      + "[gpu 1 gi 5]\nprofile = 19\nplacement = 5:1\n"
    let library = try #require(FakeNVML(cut), "the fake library is not built")
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let advertised = try Agent.run("advertise", "--once", "--nvml", library.path)
    #expect(advertised.code == 0, "\(advertised.err)")
    let file = folder.appending(path: "node.json")
    try Data(advertised.out.utf8).write(to: file)
    let devices = try #require(try Self.json(advertised.out)["devices"] as? [[String: Any]])
    let parts = devices.compactMap { $0["mig"] as? [[String: Any]] }.joined()
    let offered = Set(parts.compactMap { $0["uuid"] as? String })
    #expect(offered.count == 2)
    for (count, outcome) in [(1, "granted"), (2, "granted"), (3, "infeasible")] {
      let placed = try Agent.place(claim: "summarize-handbook", nodes: [], files: [file.path]) {
        $0["demand"] = ["mig": "1g.10gb", "count": count, "sharing": "mig"]
        $0["estimate"] = ["seconds": 60]
      }
      let claims = try #require(try Self.json(placed.out)["claims"] as? [[String: Any]])
      #expect(claims.map { $0["outcome"] as? String } == [outcome], "\(count): \(placed.out)")
      let granted = offered.filter { placed.out.contains("\"\($0)\"") }
      #expect(granted.count == (outcome == "granted" ? count : 0), "\(placed.out)")
    }
  }

  @Test("a tree that does not say its name or boot is not given one")
  func nameless() throws {
    let machine = FakeMachine.plain()
    func advertise(_ flags: String...) throws -> Agent.Result {
      try Agent.run(["advertise", "--once", "--root", machine.root] + flags)
    }
    #expect(try advertise().code == 0)
    machine.delete("/proc/sys/kernel/hostname")
    machine.delete("/proc/sys/kernel/random/boot_id")
    let both = try advertise()
    #expect(both.code == 2 && both.out.isEmpty)
    #expect(
      both.err.contains("does not say who it is; give --node NAME and --boot-id ID"), "\(both.err)")
    #expect(try advertise("--node", "a").err.contains("who it is; give --boot-id ID"))
    let named = try advertise("--node", "rack-3", "--boot-id", "b1")
    #expect(named.code == 0, "\(named.err)")
    let object = try Self.json(named.out)
    #expect(object["name"] as? String == "rack-3" && object["boot_id"] as? String == "b1")
    for bad in ["", "two words", "naïve", String(repeating: "x", count: 101)] {
      let refused = try advertise("--node=\(bad)", "--boot-id", "b1")
      #expect(refused.code == 2 && refused.err.contains("are a name"), "\(bad)")
    }
  }

  @Test("CPUs of an architecture without a profile are not offered")
  func unknownCPUs() throws {
    let machine = FakeMachine.plain()
    machine.write("ppc64le\n", to: "/proc/sys/kernel/arch")
    let alone = try Agent.run("advertise", "--once", "--root", machine.root)
    #expect(
      alone.code == 2 && alone.err.contains("no device of this machine has a hardware profile"))
    let library = try #require(FakeNVML("[gpu 0]\n\(Self.h100)"), "the fake library is not built")
    let result = try withExtendedLifetime(library) {
      try Agent.run("advertise", "--once", "--root", machine.root, "--nvml", library.path)
    }
    #expect(result.code == 0, "\(result.err)")
    #expect(result.err.contains("note: the CPUs are left out: no profile is for ppc64le"))
    let devices = try #require(try Self.json(result.out)["devices"] as? [[String: Any]])
    #expect(devices.map { $0["kind"] as? String } == ["gpu"])
  }

  @Test("a document of the probe is not one of a node, and the error says what is")
  func hint() throws {
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "probe.json")
    try Data(try Agent.run("probe", "--json").out.utf8).write(to: file)
    let result = try Agent.run(
      "place", "--policy", Agent.policy, "--claims", Agent.claims, "--nodes", file.path)
    #expect(result.code == 2 && result.out.isEmpty)
    #expect(result.err.contains("use the output of pool-agent advertise --once"))
  }
}
