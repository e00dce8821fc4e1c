import Dispatch
import Synchronization

/// Something that is worked out on another thread while this one goes on.
final class Ahead<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, StoreError>?>(nil)
  private let done = DispatchGroup()

  /// Begins.
  init(_ body: @escaping @Sendable () throws(StoreError) -> Value) {
    done.enter()
    DispatchQueue.global(qos: .userInitiated).async { [self] in
      let value: Result<Value, StoreError>
      do throws(StoreError) {
        value = .success(try body())
      } catch {
        value = .failure(error)
      }
      result.withLock { $0 = value }
      done.leave()
    }
  }

  /// Waits until it is there.
  func wait() { done.wait() }

  /// Waits for it.
  func take() throws(StoreError) -> Value {
    done.wait()
    guard let value = result.withLock({ $0 }) else {
      throw StoreError(.ended, "nothing was worked out", remedy: "this is a defect; report it")
    }
    return try value.get()
  }
}
