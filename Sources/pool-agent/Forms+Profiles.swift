import PoolConsole

extension Forms {
  static let profiles = CommandLineForm(
    name: "profiles",
    usage: """
      pool-agent profiles list [--json]
             pool-agent profiles show NAME [--json]
             pool-agent profiles check [FILE|DIR …] [--json]
             pool-agent profiles explain (NAME | VENDOR:DEVICE | FACTS) [--json]
      """,
    summary: "show and check hardware profiles, and say which one a device has",
    flags: [
      Flag(name: "--json", values: .none, summary: "print one JSON document"),
      Flag(name: "--profiles", values: .one("a directory"), summary: "hardware profiles"),
      Flag(name: "--name", values: .one("a product name"), summary: "fact: what NVML calls it"),
      Flag(
        name: "--pci", values: .one("a PCI device"),
        summary: "fact: 10de:2330, or 10de:2330/10de:16c1 with the board"),
      Flag(
        name: "--memory-mib", values: .one("a number"), summary: "fact: all its memory, in MiB"),
      Flag(name: "--cc", values: .one("a version"), summary: "fact: compute capability, as 9.0"),
      help,
    ],
    details: """
      check reads files, and of directories every *.json in them and in their nodes; without any it
      checks the profiles that would be used. explain takes a profile's name, a product name, a PCI
      device, or facts, and says what each rule makes of them.

      Profiles are looked for in this order: --profiles DIR; the environment variable
      POOL_HARDWARE_PROFILES (not as root); beside the program; /usr/local/share and /usr/share,
      both in pool-allocator/hardware-profiles.

      Exit codes: 0 done · 1 internal error · 2 usage · 11 a file is in error.
      """,
    operands: "list, show, check or explain")
}
