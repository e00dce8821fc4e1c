import PoolConsole

extension Forms {
  static let probe = CommandLineForm(
    name: "probe",
    usage: """
      pool-agent probe [--json] [--strict] [--watch [--interval SECONDS]]
             [--nvml LIBRARY | --driver-root DIR] [--root DIR] [--fake NODE.json]
             [--deadline MS] [--profiles DIR]
      """,
    summary: "show what this machine has and what of it may be offered",
    flags: [
      Flag(name: "--json", values: .none, summary: "print one JSON document"),
      Flag(
        name: "--strict", values: .none,
        summary: "exit 11 when a device is unusable or matches no profile"),
      Flag(
        name: "--watch", values: .none,
        summary: "print again until interrupted, with faults and changes of health"),
      Flag(
        name: "--interval", values: .one("seconds"),
        summary: "between two prints of --watch, 1 to 3600; else 5"),
    ] + machine,
    details: """
      Needs no GPU and no privileges; asks NVML where there is one. Changes nothing.
      The driver is asked in a process of its own, so a driver that hangs cannot hang the probe.
      What is not known is a dash in the table and null in JSON (schemas/probe.schema.json).
      What the driver does not tell now (timeout, no data, in use …) is listed under "late". --watch
      then shows the last value, with its age and a ~ before it, for 60 s; after that it is null.
      NVML is looked for as --nvml, or below --driver-root in usr/lib64, usr/lib/TRIPLET, lib64 and
      lib/TRIPLET; else as POOL_NVML_LIBRARY (not as root); else as libnvidia-ml.so.1 where the
      loader finds it (as root not when LD_LIBRARY_PATH is set), then in /usr/lib/wsl/lib, /usr/lib
      of the machine, /usr/lib64, /usr/local/nvidia/lib64 and below the driver root
      /run/nvidia/driver. As root every one but the loader's must be root's own file.

      Exit codes: 0 done · 1 internal error · 2 usage · 11 --strict found something.
      """)

  static let advertise = CommandLineForm(
    name: "advertise",
    usage: """
      pool-agent advertise --once [--node NAME] [--boot-id ID]
             [--nvml LIBRARY | --driver-root DIR] [--root DIR] [--fake NODE.json]
             [--deadline MS] [--profiles DIR]
      """,
    summary: "print the node document of this machine, as a server takes it",
    flags: [
      Flag(name: "--once", values: .none, summary: "print one document and end"),
      Flag(
        name: "--node", values: .one("a name"),
        summary: "the node's name; else the machine's own"),
      Flag(
        name: "--boot-id", values: .one("an id"),
        summary: "another after every boot; else the kernel's own"),
    ] + machine,
    details: """
      The document is of kind "node" (schemas/node.schema.json); place --nodes takes it. It holds
      CPUs by NUMA node and every GPU of a known profile: broken ones with condition "failed", cut
      ones with their MIG devices. A MIG device without a placement of its own is left out.
      CPUs of an architecture without a profile are left out. A tree that does not say its name or
      boot id needs --node and --boot-id; the boot id of --fake is "described".
      Where GPUs compute in the host's memory, half of it is offered with them and half without.
      """)

  /// Flags of every command that looks at a machine.
  static var machine: [Flag] {
    [
      Flag(
        name: "--nvml", values: .one("a library"),
        summary: "this NVML and no other; root loads only files that root alone can write"),
      Flag(
        name: "--driver-root", values: .one("a directory"),
        summary: "the NVML of the driver whose files are below DIR, and no other"),
      Flag(
        name: "--root", values: .one("a directory"),
        summary: "read /proc and /sys below DIR; no driver unless one is named"),
      Flag(
        name: "--fake", values: .one("a file"),
        summary: "show a described machine (hardware-profiles/nodes), not this one"),
      Flag(
        name: "--deadline", values: .one("milliseconds"),
        summary: "for the driver's answer, 10 to 600000; else 5000"),
      Flag(
        name: "--profiles", values: .one("a directory"),
        summary: "hardware profiles; else those that come with the program"),
      help,
    ]
  }
}
