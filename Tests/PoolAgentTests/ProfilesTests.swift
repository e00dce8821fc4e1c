import Foundation
import Testing

@Suite("Hardware profiles on the command line")
struct ProfilesTests {
  private static func files(_ folder: String) throws -> [URL] {
    let directory = Agent.root.appending(path: folder)
    return try FileManager.default.contentsOfDirectory(
      at: directory, includingPropertiesForKeys: nil
    ).filter { $0.pathExtension == "json" }
  }

  @Test(
    "every file fits its schema",
    arguments: [
      ("hardware-profiles", "hardware-profile", 43), ("hardware-profiles/nodes", "node-shape", 12),
    ])
  func schemas(folder: String, schema: String, least: Int) throws {
    let files = try Self.files(folder)
    #expect(files.count >= least)
    for file in files {
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(try SchemaCheck.findings(text, schema) == [], "\(file.lastPathComponent)")
    }
  }

  /// Every object of a value, each once more with a key that nobody knows.
  private func strangers(_ value: Any) -> [Any] {
    if let list = value as? [Any] {
      return list.indices.flatMap { index in
        strangers(list[index]).map { changed in
          var list = list
          list[index] = changed
          return list as Any
        }
      }
    }
    guard let object = value as? [String: Any] else { return [] }
    var own = object
    own["zq_stranger"] = 1
    return [own]
      + object.keys.sorted().flatMap { key in
        strangers(object[key] as Any).map { changed in
          var object = object
          object[key] = changed
          return object as Any
        }
      }
  }

  @Test(
    "the schema and the reader refuse the same keys",
    arguments: [
      ("h100-sxm-80gb", "hardware-profile"), ("cpu-arm64", "hardware-profile"),
      ("nodes/a100-mig", "node-shape"), ("nodes/mixed", "node-shape"),
      ("nodes/gb200-tray", "node-shape"),
    ])
  func keys(name: String, schema: String) throws {
    let file = Agent.root.appending(path: "hardware-profiles/\(name).json")
    let value = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    var paths: [String] = []
    for (index, changed) in strangers(value).enumerated() {
      let data = try JSONSerialization.data(withJSONObject: changed)
      #expect(try !SchemaCheck.findings(String(decoding: data, as: UTF8.self), schema).isEmpty)
      let own = folder.appending(path: "\(index)")
      try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
      let path = own.appending(path: file.lastPathComponent)
      try data.write(to: path)
      paths.append(path.path)
    }
    #expect(paths.count >= 3)
    let result = try Agent.run(["profiles", "check"] + paths)
    #expect(result.code == 11)
    let found = result.lines.filter { $0.contains("zq_stranger") || $0.contains("no group of") }
    #expect(Set(found.map { $0.prefix { $0 != ":" } }) == Set(paths.map { Substring($0) }))
  }

  @Test("list and show, as table and as JSON")
  func listAndShow() throws {
    let table = try Agent.run("profiles", "list")
    #expect(table.code == 0 && table.lines.count == 44)
    #expect(table.lines.first?.hasPrefix("PROFILE ") == true)
    let json = try Agent.run("profiles", "list", "--json")
    let list = try #require(
      try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any])
    let profiles = try #require(list["profiles"] as? [[String: Any]])
    #expect(profiles.count == 43)
    // The same keys for every profile, and null for what is not known.
    #expect(Set(profiles.map { Set($0.keys) }).count == 1)
    let gb10 = try #require(profiles.first { $0["name"] as? String == "gb10" })
    #expect(gb10["memory_mib"] is NSNull && gb10["bf16_dense_tflops"] is NSNull)
    let shown = try Agent.run("profiles", "show", "a10g-24g")
    #expect(shown.code == 0 && shown.out.contains("conflict"))
    let one = try Agent.run("profiles", "show", "h100-sxm-80gb", "--json")
    let profile = try #require(
      try JSONSerialization.jsonObject(with: Data(one.out.utf8)) as? [String: Any])
    #expect(profile["weight"] as? Double == 1)
  }

  @Test("check says what is wrong, where, and ends with 11")
  func check() throws {
    #expect(try Agent.run("profiles", "check").code == 0)
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "l4-24g.json")
    let good = try String(
      contentsOf: Agent.root.appending(path: "hardware-profiles/l4-24g.json"), encoding: .utf8)
    try Data(good.replacing("\"weight\": 0.105", with: "\"weight\": 0").utf8).write(to: file)
    let bad = try Agent.run("profiles", "check", folder.path)
    #expect(bad.code == 11)
    #expect(bad.out.contains("\(file.path):7:13: $.weight: 0 is out of range"))
    let json = try Agent.run("profiles", "check", folder.path, "--json")
    #expect(json.code == 11)
    let value = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any]
    #expect((value?["errors"] as? [Any])?.count == 1)
    try Data(good.utf8).write(to: file)
    #expect(try Agent.run("profiles", "check", file.path).code == 0)
  }

  @Test(
    "explain says by which rule",
    arguments: [
      (["10de:2335"], "profile h200-141g, weight 1.195, by pci_device"),
      (["NVIDIA L40S"], "profile l40s-48g, weight 0.305, by nvml_name"),
      (["h100-sxm-80gb"], "profile h100-sxm-80gb, weight 1.000, by nvml_name"),
      (["--cc", "10.0", "--memory-mib", "183359"], "profile b200-180g"),
      (["--cc", "10", "--memory-mib", "183359"], "profile b200-180g"),
      (["--name", "NVIDIA H200 NLV"], "near: h200-nvl-141g: is named \"NVIDIA H200 NVL\""),
      (["--name", "NVIDIA L4", "--memory-mib", "1024"], "near: l4-24g: has 23034 MiB"),
      (["10de:ffff"], "no profile: no profile has 10de:ffff"),
    ])
  func explain(words: [String], answer: String) throws {
    let result = try Agent.run(["profiles", "explain"] + words)
    #expect(result.code == 0 && result.out.contains(answer), "\(result.out)\(result.err)")
    let json = try Agent.run(["profiles", "explain", "--json"] + words)
    let value = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any]
    #expect((value?["rules"] as? [Any])?.isEmpty == false)
    #expect((value?["profile"] is NSNull) != answer.hasPrefix("profile"))
  }

  @Test(
    "usage errors",
    arguments: [
      (["profiles"], "needs one of list, show, check, explain, as: profiles list"),
      (["profiles", "lsit"], "nearest known verb is \"list\""),
      (["profiles", "list", "x"], "list takes none"),
      (["profiles", "show"], "needs the name of one profile"),
      (["profiles", "show", "h200-142g"], "nearest known profile is \"h200-141g\""),
      (["profiles", "show", "x", "--cc", "9.0"], "--cc belongs to profiles explain"),
      (["profiles", "explain"], "needs a name, a PCI device or facts"),
      (["profiles", "show", "h100"], "\"h100-nvl-94g\", \"h100-pcie-80gb\", \"h100-sxm-80gb\""),
      (["profiles", "explain", "h20-141g"], "nearest known profile"),
      (["profiles", "explain", "cpu-arm64"], "a profile of CPUs"),
      (["profiles", "explain", "--cc", "9."], "is no capability; write it as 9.0 or gfx942"),
      (["profiles", "explain", "--cc", "900"], "is no capability; write it as 9.0 or gfx942"),
      (["profiles", "explain", "--cc", "9.0 "], "is no capability; write it as 9.0 or gfx942"),
      (["profiles", "explain", "--cc="], "is no capability; write it as 9.0 or gfx942"),
      (["profiles", "explain", "--pci", "2335"], "write it as 10de:2330"),
      (["profiles", "explain", "--memory-mib", "0"], "no number from 1"),
      (["profiles", "check", "/no/such/file.json"], "there is no such file"),
      (["profiles", "list", "--profiles", "/no/such/folder"], "cannot be read"),
    ])
  func usage(arguments: [String], message: String) throws {
    let result = try Agent.run(arguments)
    #expect(result.code == 2 && result.out.isEmpty)
    #expect(result.err.contains(message), "\(result.err)")
  }
}
