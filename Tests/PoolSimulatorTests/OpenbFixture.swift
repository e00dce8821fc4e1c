/// A small cluster and pods for it, in the form of the trace, and where they go.
enum OpenbFixture {
  static let nodes = """
    sn,cpu_milli,memory_mib,gpu,model
    a,16000,65536,2,T4
    b,8000,32768,1,P100
    c,64000,262144,8,G2
    d,32000,65536,0,
    e,16000,65536,2,T4

    """

  static let pods = """
    cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec
    4000,8192,1,1000,
    1000,2048,1,300,
    2000,4096,1,400,G2|P100
    1000,2048,1,300,
    3000,4096,1,700,T4
    4000,8192,1,1000,
    1000,2048,1,300,
    3000,4096,1,700,T4
    1000,2048,1,300,
    4000,8192,1,1000,
    1000,2048,1,300,
    1000,2048,1,300,
    4000,8192,1,1000,
    6000,16384,0,0,
    1000,2048,1,300,
    2000,4096,1,500,
    2000,4096,1,400,G2|P100
    1000,1024,1,1000,P100|T4
    8000,16384,2,1000,
    4000,8192,1,1000,
    2000,4096,1,500,A10
    1000,2048,1,300,
    16000,65536,4,1000,G2
    2000,4096,1,500,
    1000,2048,1,300,
    1000,2048,1,300,
    2000,4096,1,500,
    6000,16384,0,0,
    2000,4096,1,500,
    8000,16384,2,1000,
    2000,4096,1,400,G2|P100
    4000,8192,1,1000,
    3000,4096,1,700,T4
    1000,2048,1,300,
    1000,2048,1,300,
    2000,4096,1,500,
    2000,4096,1,400,G2|P100
    4000,8192,1,1000,
    2000,4096,1,500,
    8000,16384,2,1000,

    """

  /// By pod: the node, and its GPUs; `-` where it was refused. A separate simulator in Python
  /// agrees that each fits where it is and that none was refused which fitted.
  static let bestFit = """
    a:0 a:1 b:0 a:1 e:0 e:1 e:0 - a:1 c:0 b:0 b:0 c:1 a c:2 c:2 c:3 - c:4-5 c:6 - c:3 - c:7 \
    c:3 c:7 - e - - - - - - - - - - - -
    """

  /// Likewise by least fragmentation; the Python simulator's own placements are the same.
  static let fragmentation = """
    b:0 c:0 c:0 c:0 a:0 a:1 a:0 e:0 e:0 e:1 c:1 c:1 c:2 a c:1 c:3 c:3 - c:4-5 c:6 - c:7 - \
    c:7 - - - c - - - - - - - - - - - -
    """

  /// Likewise by offer value, for a known mix and for one that is learned: from the allocator
  /// itself, so that a change of places is seen.
  static let offerValue = """
    a:0 a:1 b:0 a:1 e:0 c:0 a:1 e:1 b:0 c:1 b:0 c:2 c:3 a c:2 c:4 c:2 - c:5-6 c:7 - e:0 - c:4 \
    e:1 - - c - - - - - - - - - - - -
    """
  static let offerValueLearned = """
    a:0 a:1 b:0 a:1 e:0 c:0 a:1 e:1 b:0 c:1 b:0 c:2 c:3 a c:2 c:4 c:2 - c:5-6 c:7 - c:4 - - e:0 \
    e:1 - c - - - - - - - - - - - -
    """

  /// The table that is written for such places.
  static func table(_ places: String) -> String {
    var text = "seq,node,gpus\n"
    for (number, place) in places.split(separator: " ").enumerated() {
      let parts = place.split(separator: ":")
      let node = place == "-" ? "" : String(parts[0])
      text += "\(number),\(node),\(parts.count > 1 ? String(parts[1]) : "")\n"
    }
    return text
  }
}
