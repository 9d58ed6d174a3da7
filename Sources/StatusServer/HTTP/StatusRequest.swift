import HTTPTypes
import HummingbirdCore
import NIOCore

/// A request as handlers see it.
struct StatusRequest: Sendable {
  /// Where it came in.
  enum Door: Sendable {
    /// The Unix socket: whom its mode lets in.
    case socket
    /// TCP: whether who asks has signed in, or needn't.
    case tcp(isSignedIn: Bool)
  }

  let head: HTTPRequest
  let door: Door
  /// What the route's placeholders are, in order.
  let parameters: [String]
  let query: QueryItems
  let body: RequestBody
  let channel: any Channel

  func field(_ name: HTTPField.Name) -> String? { head.headerFields[name] }

  /// Whether names of nodes and registries may be told.
  var mayReadNames: Bool {
    switch door {
    case .socket: true
    case .tcp(let isSignedIn): isSignedIn
    }
  }
}

/// What is answered.
struct APIResponse: Sendable {
  enum Body: Sendable {
    case none
    case bytes(ByteBuffer)
    /// Written one after the other, as the reader takes them.
    case parts([ByteBuffer])
    case stream(@Sendable (inout any ResponseBodyWriter) async throws -> Void)
  }

  var status: HTTPResponse.Status
  var fields: HTTPFields
  var body: Body

  init(_ status: HTTPResponse.Status = .ok, _ contentType: String? = nil, _ body: Body = .none) {
    self.status = status
    self.body = body
    fields = HTTPFields()
    if let contentType { fields[.contentType] = contentType }
  }

  static func text(_ text: String, _ status: HTTPResponse.Status = .ok) -> APIResponse {
    APIResponse(status, "text/plain; charset=utf-8", .bytes(ByteBuffer(string: text)))
  }
}
