import ClusterResources
import HTTPTypes
import Lifecycle
import Logging
import NIOCore
import Platform
import Rollcall

/// The few operations that change something: over the socket, by root and the daemon's own user.
struct AdministrationHandler: Sendable {
  let context: APIContext
  let logger: Logger

  /// The most bytes of a request's body.
  private static let maximumBody = 16 * 1024

  /// `DELETE /v1/members/{id}`
  func forget(_ request: StatusRequest) async throws -> APIResponse {
    let peer = try await peer(of: request)
    let name = request.parameters[0]
    do throws(MemberLifecycle.ForgetError) {
      try context.aggregator.forget(name)
    } catch {
      switch error {
      case .unknown:
        let names = context.aggregator.snapshot().life.tombstones.map(\.name)
        throw Problem.notFound("\(error)" + (didYouMean(name, among: names).map { ": \($0)" } ?? ""))
      case .listed: throw Problem(.conflict, "still-listed", "\(error)")
      }
    }
    logger.notice(
      "a member was forgotten", metadata: ["member": "\(name)", "uid": "\(peer.uid)", "pid": "\(peer.pid)"])
    return APIResponse(.noContent)
  }

  /// `PUT /v1/log-level`
  func setLogLevels(_ request: StatusRequest) async throws -> APIResponse {
    let peer = try await peer(of: request)
    guard let setLogLevels = context.options.setLogLevels else {
      throw Problem.notFound("this daemon's log level can't be changed while it runs")
    }
    let levels = try Self.levels(try await Self.body(of: request))
    try setLogLevels(levels)
    let text = levels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value?.rawValue ?? "default")" }
    logger.notice(
      "the log level was changed",
      metadata: ["levels": "\(text.joined(separator: ","))", "uid": "\(peer.uid)", "pid": "\(peer.pid)"])
    return APIResponse(.noContent)
  }

  private func peer(of request: StatusRequest) async throws -> PeerCredentials {
    guard let peer = await PeerCredentials.of(request.channel) else {
      throw Problem.forbidden("nobody can say who asks: use the Unix socket")
    }
    guard peer.mayAdminister else {
      throw Problem.forbidden("only root and the daemon's own user may, not uid \(peer.uid)")
    }
    return peer
  }

  private static func body(of request: StatusRequest) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    for try await part in request.body {
      bytes.append(contentsOf: part.readableBytesView)
      guard bytes.count <= maximumBody else {
        throw Problem(
          .contentTooLarge, "invalid-parameter", "a body has at most \(maximumBody) bytes", parameter: "body")
      }
    }
    return bytes
  }

  /// The levels in a JSON object of modules and levels; nil: the default again.
  static func levels(_ bytes: [UInt8]) throws(Problem) -> [String: Logger.Level?] {
    let words = Logger.Level.allCases.map(\.rawValue).filter { $0 != "critical" } + ["default"]
    var lexer = JSONLexer(bytes)
    var levels: [String: Logger.Level?] = [:]
    do {
      lexer.skipBlanks()
      guard lexer.current == UInt8(ascii: "{") else { throw lexer.failure("it must be an object") }
      var scope = lexer.begin()
      while try lexer.next(in: &scope) {
        let module = try lexer.key()
        lexer.skipBlanks()
        guard lexer.current == UInt8(ascii: "\"") else { throw lexer.failure("a level is text") }
        let word = try lexer.string()
        guard words.contains(word) else {
          let advice = didYouMean(word, among: words) ?? "the levels are \(words.joined(separator: ", "))"
          throw Problem.invalid(
            "body",
            "'\(String(module.prefix(80)).shown)': there is no level '\(String(word.prefix(80)).shown)': \(advice)"
          )
        }
        levels[module] = .some(word == "default" ? nil : Logger.Level(rawValue: word))
      }
      lexer.skipBlanks()
      guard lexer.current == nil else { throw lexer.failure("something follows the object") }
    } catch let problem as Problem {
      throw problem
    } catch {
      throw .invalid(
        "body", "the body must be JSON such as {\"*\": \"info\", \"registry.service\": \"debug\"}: \(error)")
    }
    guard !levels.isEmpty else { throw .invalid("body", "no module is named: {\"*\": \"info\"}") }
    return levels
  }
}
