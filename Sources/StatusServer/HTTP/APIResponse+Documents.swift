import ClusterResources
import HTTPTypes
import NIOCore

extension APIResponse {
  /// A document as JSON.
  static func json(_ value: ResourceValue, _ status: HTTPResponse.Status = .ok) -> APIResponse {
    APIResponse(status, "application/json", .bytes(ByteBuffer(bytes: DocumentBytes(value).bytes)))
  }

  /// A problem as who asked reads it: JSON, but a sentence for who opened the page in a browser.
  init(_ problem: Problem, to head: HTTPRequest) {
    self.init(problem)
    let path = head.path?.prefix { $0 != "?" }
    guard path == "/", head.headerFields[.accept]?.contains("text/html") ?? false else { return }
    // As plain text, which can't be markup whatever is in it.
    body = .bytes(
      ByteBuffer(string: "\(problem.status.code) \(problem.status.reasonPhrase)\n\n\(problem.detail)\n"))
    fields[.contentType] = "text/plain; charset=utf-8"
  }

  /// A problem as JSON.
  init(_ problem: Problem) {
    self.init(
      problem.status, "application/problem+json",
      .bytes(ByteBuffer(bytes: DocumentBytes(problem.value).bytes)))
    for field in problem.fields { fields.append(field) }
  }
}
