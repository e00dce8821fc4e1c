internal import CNVML

/// One function a shape of call. Values that mean "not available" come back as nil with code 0.
extension NVMLLibrary {
  func text(_ call: cnvml_text_call, of device: Device) -> Answer<String> {
    text(bytes: Int(max(CNVML_NAME_BYTES, CNVML_UUID_BYTES))) {
      cnvml_text(table, call, device.handle, $0, $1)
    }
  }

  func number(_ call: cnvml_u32_call, of device: Device) -> Answer<UInt64> {
    var value: UInt32 = 0
    let code = cnvml_u32(table, call, device.handle, &value)
    return Self.answer(value, code)
  }

  func number(
    _ call: cnvml_u32_of_call, _ argument: UInt32, of device: Device
  ) -> Answer<UInt64> {
    var value: UInt32 = 0
    let code = cnvml_u32_of(table, call, device.handle, argument, &value)
    return Self.answer(value, code)
  }

  func pair(
    _ call: cnvml_pair_call, of device: Device
  ) -> (first: Answer<UInt64>, second: Answer<UInt64>) {
    var first: UInt32 = 0
    var second: UInt32 = 0
    let code = cnvml_pair(table, call, device.handle, &first, &second)
    return (Self.answer(first, code), Self.answer(second, code))
  }

  func wide(_ call: cnvml_u64_call, of device: Device) -> Answer<UInt64> {
    var value: UInt64 = 0
    let code = cnvml_u64(table, call, device.handle, &value)
    return Self.answer(value, code)
  }

  func wide(
    _ call: cnvml_u64_of_call, _ argument: UInt32, _ second: UInt32, of device: Device
  ) -> Answer<UInt64> {
    var value: UInt64 = 0
    let code = cnvml_u64_of(table, call, device.handle, argument, second, &value)
    return Self.answer(value, code)
  }

  /// Fills a structure; nil with the code when the call fails.
  func structure<Value: BitwiseCopyable>(
    _ call: cnvml_struct_call, _ empty: Value, version: UInt32 = 0, of device: Device
  ) -> (value: Value?, code: Int32) {
    var value = empty
    let code = withUnsafeMutableBytes(of: &value) {
      cnvml_struct(table, call, device.handle, version, $0.baseAddress, $0.count)
    }
    return (code == 0 ? value : nil, code)
  }

  /// Fills a structure; nil with the code when the call fails.
  func structure<Value: BitwiseCopyable>(
    _ call: cnvml_struct_of_call, _ argument: UInt32, _ empty: Value, version: UInt32 = 0,
    of device: Device
  ) -> (value: Value?, code: Int32) {
    var value = empty
    let code = withUnsafeMutableBytes(of: &value) {
      cnvml_struct_of(
        table, call, device.handle, argument, version, $0.baseAddress, $0.count)
    }
    return (code == 0 ? value : nil, code)
  }

  /// CPUs or NUMA nodes near a GPU, from a call that fills a mask; nil when it fails or says none.
  func mask(_ call: (UInt32, UnsafeMutablePointer<UInt>) -> Int32) -> Answer<CPUSet> {
    var words = [UInt](repeating: 0, count: ProbeLimits.maskWords)
    let code = words.withUnsafeMutableBufferPointer { words in
      words.baseAddress.map { call(UInt32(words.count), $0) } ?? NVMLReturn.noSymbol
    }
    guard code == 0 else { return Answer(value: nil, code: code) }
    let set = words.withUnsafeBytes { CPUSet(mask: Array($0)[...]) }
    return Answer(value: set.isEmpty ? nil : set, code: 0)
  }

  static func answer(_ value: UInt32, _ code: Int32) -> Answer<UInt64> {
    let isTold = code == 0 && value != CNVML_NOT_TOLD_32
    return Answer(value: isTold ? UInt64(value) : nil, code: code)
  }

  /// Numbers that JSON cannot carry are no sizes or counts of anything.
  static func answer(_ value: UInt64, _ code: Int32) -> Answer<UInt64> {
    let isTold = code == 0 && value <= UInt64(Int64.max)
    return Answer(value: isTold ? value : nil, code: code)
  }
}
