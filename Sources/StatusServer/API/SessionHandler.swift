import HTTPTypes

/// The page's sign-in: a token is traded for a cookie, as an EventSource can't send a header.
struct SessionHandler: Sendable {
  /// Nil over the socket, where nobody signs in.
  let access: AccessRules?

  /// `POST /v1/session`: with a token, or a certificate, as any other request has it.
  func begin(_ request: StatusRequest) throws -> APIResponse {
    guard let access else { throw Problem.notFound("over the socket nobody signs in") }
    var response = APIResponse(.noContent)
    response.fields[.setCookie] = Self.cookie(
      access.sessions.begin(access.token(of: request.head)), age: Sessions.lifetime.components.seconds,
      isSecure: access.isEncrypted)
    return response
  }

  /// `DELETE /v1/session`
  func end(_ request: StatusRequest) throws -> APIResponse {
    guard let access else { throw Problem.notFound("over the socket nobody signs in") }
    if let id = AccessRules.cookie(request.head) { access.sessions.end(id) }
    var response = APIResponse(.noContent)
    response.fields[.setCookie] = Self.cookie("", age: 0, isSecure: access.isEncrypted)
    return response
  }

  private static func cookie(_ value: String, age: Int64, isSecure: Bool) -> String {
    "\(Sessions.cookieName)=\(value); Path=/; Max-Age=\(age); HttpOnly; SameSite=Strict\(isSecure ? "; Secure" : "")"
  }
}
