internal import Foundation
internal import FoundationNetworking
internal import Synchronization

/// Requests over HTTP, the one place that knows how: TLS, the system's certificates, timeouts.
///
/// Redirects are not followed: the credential is for the server that was named.
final class HTTPLink: NSObject, URLSessionDataDelegate, Uplink.Link {
  private struct Open {
    var purpose: Uplink.Purpose
    var body: [UInt8] = []
    var isTooLong = false
  }

  private let mailbox: Mailbox
  private let open = Mutex<[Int: Open]>([:])
  private let session: Mutex<URLSession?> = Mutex(nil)

  init(_ mailbox: Mailbox) {
    self.mailbox = mailbox
    super.init()
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = TimeInterval(Uplink.timeoutSeconds)
    configuration.httpCookieStorage = nil
    configuration.urlCache = nil
    configuration.urlCredentialStorage = nil
    configuration.httpMaximumConnectionsPerHost = 8
    let made = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
    session.withLock { $0 = made }
  }

  func post(_ url: String, secret: String, body: [UInt8], for purpose: Uplink.Purpose) {
    guard let address = URL(string: url) else {
      return mailbox.put(.answer(purpose, .failed("\(url) is no address")))
    }
    var request = URLRequest(url: address)
    request.httpMethod = "POST"
    request.timeoutInterval = TimeInterval(Uplink.timeoutSeconds)
    request.setValue("Bearer \(secret)", forHTTPHeaderField: "Authorization")
    request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    request.setValue("application/json", forHTTPHeaderField: "Accept")
    request.httpBody = Data(body)
    let task = session.withLock { $0?.dataTask(with: request) }
    guard let task else { return mailbox.put(.answer(purpose, .failed("the link is closed"))) }
    open.withLock { $0[task.taskIdentifier] = Open(purpose: purpose) }
    task.resume()
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data
  ) {
    let isTooLong = open.withLock { open in
      guard var entry = open[dataTask.taskIdentifier] else { return true }
      entry.body.append(contentsOf: data)
      entry.isTooLong = entry.body.count > Uplink.answerBytesMax
      open[dataTask.taskIdentifier] = entry
      return entry.isTooLong
    }
    if isTooLong { dataTask.cancel() }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask,
    willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
    completionHandler: @escaping (URLRequest?) -> Void
  ) {
    completionHandler(nil)
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    let entry = open.withLock { $0.removeValue(forKey: task.taskIdentifier) }
    guard let entry else { return }
    mailbox.put(.answer(entry.purpose, Self.answer(entry, task.response, error)))
  }

  private static func answer(
    _ entry: Open, _ response: URLResponse?, _ error: (any Error)?
  ) -> Uplink.Answer {
    if entry.isTooLong { return .failed("its answer is longer than any") }
    if let error { return .failed(words(error)) }
    guard let response = response as? HTTPURLResponse else { return .failed("no answer") }
    return .said(status: response.statusCode, body: entry.body)
  }

  /// The library's own words, without the address in them.
  private static func words(_ error: any Error) -> String {
    let error = error as NSError
    let text =
      error.userInfo[NSLocalizedDescriptionKey] as? String ?? "\(error.domain) \(error.code)"
    return String(text.prefix(200))
  }
}
