import PoolConsole

extension Forms {
  static let run = CommandLineForm(
    name: "run",
    usage: """
      pool-agent run --server URL --state DIR [--join-file FILE] [--node NAME]
             [--nvml LIBRARY | --driver-root DIR] [--root DIR] [--fake NODE.json]
             [--deadline MS] [--profiles DIR]
      """,
    summary: "stay as the agent of this node: report it and carry out a server's orders",
    flags: [
      Flag(
        name: "--server", values: .one("an address"),
        summary: "https://HOST[:PORT][/PATH]; http:// for this machine only"),
      Flag(
        name: "--state", values: .one("a directory"),
        summary: "its record, credential and leases; made where it is missing, for its owner alone"
      ),
      Flag(
        name: "--join-file", values: .one("a file"),
        summary: "a join credential, for the first start; it is good once"),
      Flag(
        name: "--node", values: .one("a name"),
        summary: "the node's name when it joins; else the machine's own"),
    ] + machine,
    details: """
      It listens on nothing: it asks the server, which may hold its answer for 4 s. The machine is
      looked at every 30 s and when the driver reports something. Where the server cannot be reached
      leases run until they end, and then they are ended. A server's certificate must be known to
      the system (/etc/ssl/certs); a private one is made known with update-ca-certificates.

      A lease is a folder, DIR/leases/FENCING: lease.json says what was granted, env has the
      variables for a shell, and work is started under it with pool-agent exec. It is over when all
      that was started under it has ended, or when the server says so: then every process group gets
      SIGTERM, and SIGKILL before its time is over. Devices are handed out, not enforced.
      SIGTERM ends the agent and no lease: it takes them up again when it is started.

      Exit codes: 1 internal error, or a damaged record · 2 usage · 7 not authorised, once nothing
      of a lease lives · 130 SIGINT · 143 SIGTERM.
      """)

  static let exec = CommandLineForm(
    name: "exec",
    usage: "pool-agent exec --state DIR --lease LEASE -- COMMAND [ARGUMENT …]",
    summary: "run a command under a lease that the agent of this node handed out",
    flags: [
      Flag(
        name: "--state", values: .one("a directory"), summary: "the folder of pool-agent run"),
      Flag(name: "--lease", values: .one("a lease"), summary: "as in a grant, such as L-0.1"),
      help,
    ],
    details: """
      The command gets CUDA_VISIBLE_DEVICES and NVIDIA_VISIBLE_DEVICES with the lease's GPUs, and a
      session of its own; the agent ends all that is in it with the lease. SIGINT, SIGTERM, SIGHUP
      and SIGQUIT go on to it. What leaves the session is not found again. When everything that was
      started under a lease has ended, the lease is over: completed if all ended with 0.

      Exit codes: the command's own, 128 and the signal that ended it, 126 or 127 where it cannot be
      run · 1 internal error · 2 usage · 10 the lease is not handed out here, is over, or was ended
      under the command.
      """)
}
