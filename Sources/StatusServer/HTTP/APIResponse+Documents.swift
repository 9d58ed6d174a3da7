import ClusterResources
import HTTPTypes
import NIOCore

extension APIResponse {
  /// A document as JSON.
  static func json(_ value: ResourceValue, _ status: HTTPResponse.Status = .ok) -> APIResponse {
    APIResponse(status, "application/json", .bytes(ByteBuffer(bytes: DocumentBytes(value).bytes)))
  }

  /// A problem as JSON.
  init(_ problem: Problem) {
    self.init(
      problem.status, "application/problem+json",
      .bytes(ByteBuffer(bytes: DocumentBytes(problem.value).bytes)))
    for field in problem.fields { fields.append(field) }
  }
}
