internal import StrictJSON

/// What is right and wrong with files of profiles and node shapes.
public struct ProfileCheck: Sendable {
  /// What was found in one file, or across files of one directory.
  public struct Finding: Sendable, Equatable {
    /// The file or directory.
    public var file: String
    /// The whole line: `FILE:line:column: path: problem; hint`.
    public var message: String
  }

  /// Files that are good hardware profiles.
  public private(set) var profiles = 0
  /// Files that are good node shapes.
  public private(set) var shapes = 0
  /// Everything that is wrong, in the order of the files.
  public private(set) var findings: [Finding] = []
  /// Paths that could not be looked at, with the reason: the caller's mistake, not the files'.
  public private(set) var unreadable: [String] = []

  private var read: [(file: String, profile: HardwareProfile)] = []
  private var described: [(file: String, shape: NodeShape)] = []

  /// Checks files, and of directories every `*.json` in them and in their `nodes`.
  ///
  /// Shapes are held against the profiles among the files, else against `catalogue`, else against
  /// none.
  ///
  /// - Parameters:
  ///   - paths: Files and directories; of a file `kind` says what it is.
  ///   - catalogue: Profiles for shapes that come without any; nil when there are none.
  public init(paths: [String], catalogue: ProfileCatalogue? = nil) {
    for path in paths {
      if Syscalls.ownership(path)?.isDirectory == true {
        checkDirectory(path)
      } else {
        checkFile(path)
      }
    }
    let known = checkTogether() ?? catalogue
    for (file, shape) in described {
      let faults = known.map { shape.check(against: $0) } ?? []
      for fault in faults { find(file, "\(file):1:1: $.gpus: \(fault)") }
      if faults.isEmpty { shapes += 1 }
    }
  }

  private mutating func checkDirectory(_ path: String) {
    let start = (findings.count, read.count + described.count, unreadable.count)
    for directory in [path, path + "/nodes"] {
      let names = Syscalls.listDirectory(directory, limit: ProbeLimits.directoryEntries) ?? []
      for name in names where name.hasSuffix(".json") && !name.hasPrefix(".") {
        checkFile("\(directory)/\(name)")
      }
    }
    if start == (findings.count, read.count + described.count, unreadable.count) {
      unreadable.append("\(path): no hardware profile or node shape (*.json) in it")
    }
  }

  private mutating func checkFile(_ path: String) {
    switch Syscalls.readFile(path, limit: ProbeLimits.profileBytes) {
    case .absent: unreadable.append("\(path): there is no such file")
    case .refused(let reason): unreadable.append("\(path): \(reason)")
    case .text(let text):
      do throws(ProfileErrors) {
        if Self.isShape(text) {
          described.append((path, try NodeShape(json: text, file: path)))
        } else {
          read.append((path, try HardwareProfile(json: text, file: path)))
          profiles += 1
        }
      } catch {
        for message in error.messages { find(path, message) }
      }
    }
  }

  /// What only shows when profiles are seen together; their catalogue when there is one.
  private mutating func checkTogether() -> ProfileCatalogue? {
    guard let first = read.first else { return nil }
    do throws(ProfileErrors) {
      return try ProfileCatalogue(profiles: read.map(\.profile))
    } catch {
      for message in error.messages {
        // The later of the two is named last, and is where to mend it.
        let culprit = read.last { message.hasSuffix(" and by \($0.profile.name)") } ?? first
        find(culprit.file, "\(culprit.file):1:1: $.match: \(message)")
      }
      return nil
    }
  }

  private mutating func find(_ file: String, _ message: String) {
    findings.append(Finding(file: file, message: message))
  }

  /// True when the text says that it is a node shape. A text that cannot be read is taken for a
  /// profile, whose reader says what is wrong.
  private static func isShape(_ text: String) -> Bool {
    let limits = JSONLimits(documentBytesMax: ProbeLimits.profileBytes, depthMax: 8)
    guard let document = try? JSONDocument(text: text, limits: limits) else { return false }
    let kind = try? document.decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        return try fields.optionalString("kind").value
      }
    }
    return kind == "node_shape"
  }
}
