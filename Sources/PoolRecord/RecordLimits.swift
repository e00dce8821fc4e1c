/// Bounds of the record form. What passes them is refused by the writer and by the reader.
enum RecordLimits {
  /// The longest body: more than any one command can bring, and a length that a broken disk made up
  /// is seen as such. Unit: bytes.
  static let body = 1 << 28
}
