/// Every bound of the reader in one place. A document that passes a bound is refused with the bound
/// in the message, never cut.
///
/// Memory: a parsed document holds its bytes, 16 bytes for each value and key, and a copy of each
/// string that has an escape; at worst about ten times the document.
public struct JSONLimits: Sendable, Equatable {
  /// Size of the whole document in bytes. 16 MiB holds a fleet snapshot; request bodies set less.
  public var documentBytesMax: Int
  /// Arrays and objects open at the same time; `[]` counts one. 32 is more than any of our forms.
  public var depthMax: Int
  /// Elements of one array. Callers lower it, in general or for one field.
  public var arrayElementsMax: Int
  /// Members of one object.
  public var objectMembersMax: Int
  /// UTF-8 bytes of one string or key after its escapes are resolved.
  public var stringBytesMax: Int
  /// Characters of one number as written. The longest exact `Double` has 767 digits.
  public var numberBytesMax: Int
  /// Errors collected from one document before the reader gives up.
  public var errorsMax: Int

  /// The documented defaults.
  public static let standard = JSONLimits()

  /// Names only the bounds that differ from the defaults.
  ///
  /// - Precondition: every bound is positive, `documentBytesMax` is at most 2 GiB - 1 (positions
  ///   are 32 bits wide) and `depthMax` at most 512 (decoders recurse).
  public init(
    documentBytesMax: Int = 16 << 20, depthMax: Int = 32, arrayElementsMax: Int = 1_000_000,
    objectMembersMax: Int = 10_000, stringBytesMax: Int = 4096, numberBytesMax: Int = 1000,
    errorsMax: Int = 50
  ) {
    self.documentBytesMax = documentBytesMax
    self.depthMax = depthMax
    self.arrayElementsMax = arrayElementsMax
    self.objectMembersMax = objectMembersMax
    self.stringBytesMax = stringBytesMax
    self.numberBytesMax = numberBytesMax
    self.errorsMax = errorsMax
    checkInvariants()
  }

  /// Run again by the parser, since the bounds are variables.
  func checkInvariants() {
    precondition(documentBytesMax > 0 && documentBytesMax <= Int(Int32.max))
    precondition(depthMax > 0 && depthMax <= 512)
    precondition(arrayElementsMax > 0 && objectMembersMax > 0)
    precondition(stringBytesMax > 0 && numberBytesMax > 0)
    precondition(errorsMax > 0)
  }
}
