import ClusterResources
import HTTPTypes
import NIOCore

/// The page for people: files that are built in, the same for everybody. What is of the cluster the page asks for itself.
struct PageFileHandler: Sendable {
  /// One file of the page.
  struct File: Sendable {
    let contentType: String
    let bytes: ByteBuffer
    /// Of its bytes, with quotes.
    let tag: String

    init(_ contentType: String, _ bytes: [UInt8]) {
      self.contentType = contentType
      self.bytes = ByteBuffer(bytes: bytes)
      // FNV-1a: nobody gains by another file with the same tag, it only has to change with the file.
      let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
      tag = "\"\(String(hash, radix: 36))-\(bytes.count)\""
    }
  }

  /// Nothing from elsewhere, nothing inline, no markup from text: what comes from the cluster stays text even where
  /// the page has a mistake.
  static let contentSecurityPolicy = [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'",
    "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
  ].joined(separator: "; ")

  /// `GET /`
  func index(_ request: StatusRequest) throws -> APIResponse { try file("index.html", request) }

  /// `GET /page/{file}`
  func file(_ name: String, _ request: StatusRequest) throws -> APIResponse {
    guard let file = PageFiles.all[name] else {
      throw Problem.notFound("the page has no file '\(String(name.prefix(80)).shown)'")
    }
    let isKnown = ListHandler.matches(request.field(.ifNoneMatch), file.tag)
    var response =
      isKnown ? APIResponse(.notModified) : APIResponse(.ok, file.contentType, .bytes(file.bytes))
    response.fields.append(contentsOf: Self.fields)
    response.fields[.eTag] = file.tag
    return response
  }

  /// What every file is sent with.
  private static let fields: HTTPFields = {
    var fields = HTTPFields()
    fields[.contentSecurityPolicy] = contentSecurityPolicy
    let more = [
      ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Opener-Policy", "same-origin"),
      ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
    for (name, value) in more {
      if let name = HTTPField.Name(name) { fields[name] = value }
    }
    return fields
  }()
}
