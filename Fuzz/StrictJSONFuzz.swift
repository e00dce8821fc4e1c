// Properties: parsing and decoding never crash; what was parsed, written and parsed again is
// written as the same bytes, compact and pretty.
import StrictJSON

/// libFuzzer's entry point; other return values than 0 are reserved.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStrictJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  // The small document limits make the bounds reachable by small inputs.
  let tight = JSONLimits(
    documentBytesMax: 1 << 20, depthMax: 8, arrayElementsMax: 16, objectMembersMax: 64,
    stringBytesMax: 64, numberBytesMax: 32, errorsMax: 5)
  for limits in [JSONLimits.standard, tight] {
    do {
      let document = try JSONDocument(bytes, limits: limits)
      checkRoundTrip(document, limits)
      checkDecoding(document)
    } catch {
      checkErrors(error, bytes)
    }
  }
  return 0
}

private func checkRoundTrip(_ document: JSONDocument, _ limits: JSONLimits) {
  // Pretty output grows with depth, so the copy is read without the document limit.
  var limits = limits
  limits.documentBytesMax = 1 << 30
  for style in [JSONWriter.Style.compact, .pretty] {
    let first = written(document, style)
    guard let again = try? JSONDocument(first, limits: limits) else {
      fatalError("the writer's output was refused")
    }
    guard written(again, style) == first else { fatalError("written twice, different bytes") }
  }
}

private func written(_ document: JSONDocument, _ style: JSONWriter.Style) -> [UInt8] {
  var writer = JSONWriter(style)
  writer.value(document.root)
  return writer.bytes
}

private func checkDecoding(_ document: JSONDocument) {
  do {
    try document.decode { root in try visit(root) }
  } catch {
    guard !error.errors.isEmpty, !error.formatted(file: "f").isEmpty else { fatalError("no error") }
  }
}

/// A decoder that asks for a little of everything and gets most of it wrong.
private func visit(_ value: JSONValue) throws {
  switch value.kind {
  case .object where value.count % 2 == 0:
    _ = try value.map(max: 100) { _, member in try visit(member) }
  case .object:
    try value.object { fields in
      let name = fields.string("name", 1...8)
      let number = fields.optionalInt64("n", in: -5...1000)
      let weight = fields.optionalMilli("w", in: 0...5000)
      let lanes = fields.array("lanes", max: 4) { try visit($0) }
      _ = try (name.value, number.value, weight.value, lanes.value)
    }
  case .array:
    _ = try value.array(max: 100) { element in try visit(element) }
  case .number:
    _ = try value.milli()
    _ = try value.int64()
  case .string:
    _ = try value.choice(["quantum": 1, "name": 2])
  case .bool, .null:
    _ = try value.bool()
  }
}

private func checkErrors(_ errors: JSONErrors, _ bytes: [UInt8]) {
  var last = (line: 1, column: 1)
  for error in errors.errors {
    guard (error.line, error.column) >= last else { fatalError("errors out of order") }
    guard error.line <= bytes.count + 1, error.column <= bytes.count + 1 else {
      fatalError("an error outside the document")
    }
    guard error.path.hasPrefix("$"), !error.problem.isEmpty else { fatalError("a blank error") }
    last = (error.line, error.column)
  }
}
