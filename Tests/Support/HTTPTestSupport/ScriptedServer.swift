import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestSupport

/// An HTTP server that answers as a test says, byte by byte.
public final class ScriptedServer: Sendable {
  /// A request as it came.
  public struct Request: Sendable {
    public var method: String
    /// Without the query.
    public var path: String
    public var query: [String: String]
    /// By lower-case name.
    public var headers: [String: String]
    public var body: String
    /// How many requests came before it.
    public var number: Int
  }

  /// Writes an answer.
  public struct Answer: Sendable {
    fileprivate let write: @Sendable ([UInt8]) async throws -> Void

    /// Bytes as they are.
    public func raw(_ bytes: some Sequence<UInt8>) async throws { try await write(Array(bytes)) }
    public func raw(_ text: String) async throws { try await write(Array(text.utf8)) }

    /// A whole answer.
    public func send(_ body: String, status: Int = 200, headers: [String: String] = [:]) async throws {
      let fields = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
      try await raw(
        "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
      )
    }

    /// The beginning of an answer whose parts follow as chunks.
    public func begin(headers: [String: String] = [:]) async throws {
      let fields = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
      try await raw(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\(fields)\r\n")
    }

    public func chunk(_ bytes: some Collection<UInt8>) async throws {
      guard !bytes.isEmpty else { return }
      try await write(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8))
    }

    public func chunk(_ text: String) async throws { try await chunk(Array(text.utf8)) }

    public func end() async throws { try await raw("0\r\n\r\n") }

    /// Says nothing any more, and keeps the connection.
    public func hang() async throws { try await Task.sleep(for: .seconds(3600)) }
  }

  /// Ends the connection at once.
  public struct HangUp: Error {
    public init() {}
  }

  public let port: Int
  private let log = Mutex<[Request]>([])

  private init(port: Int) { self.port = port }

  public var url: String { "http://127.0.0.1:\(port)" }
  public var requests: [Request] { log.withLock { $0 } }

  /// Serves while `body` runs.
  ///
  /// - Parameters:
  ///   - greeting: what is said to who connects, before any request.
  ///   - tls: what the server shows over TLS, in files; nil: without TLS.
  ///   - clientAuthority: who signs the certificates that clients must have, a file; nil: they need none.
  public static func run<Value: Sendable>(
    greeting: String = "", tls: (certificate: String, key: String)? = nil, clientAuthority: String? = nil,
    _ respond: @escaping @Sendable (Request, Answer) async throws -> Void,
    _ body: @escaping @Sendable (ScriptedServer) async throws -> Value
  ) async throws -> Value {
    let context = try tls.map { tls in
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: try NIOSSLCertificate.fromPEMFile(tls.certificate).map { .certificate($0) },
        privateKey: .privateKey(try NIOSSLPrivateKey(file: tls.key, format: .pem)))
      if let clientAuthority {
        configuration.trustRoots = .file(clientAuthority)
        configuration.certificateVerification = .noHostnameVerification
      }
      return try NIOSSLContext(configuration: configuration)
    }
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      // Read only once it is served: one that comes while the server ends is never wrapped, which has to be
      // undone.
      .childChannelOption(.autoRead, value: false)
      .bind(host: "127.0.0.1", port: 0) { child in
        child.eventLoop.makeCompletedFuture {
          if let context {
            try child.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
          }
          return child
        }
      }
    guard let port = channel.channel.localAddress?.port else { throw HangUp() }
    let server = ScriptedServer(port: port)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await channel.executeThenClose { connections in
          try await withThrowingDiscardingTaskGroup { group in
            for try await connection in connections {
              group.addTask { try? await server.serve(connection, greeting, respond) }
            }
          }
        }
      }
      defer { group.cancelAll() }
      return try await body(server)
    }
  }

  private func serve(
    _ child: any Channel, _ greeting: String,
    _ respond: @escaping @Sendable (Request, Answer) async throws -> Void
  ) async throws {
    let connection = try await child.eventLoop.submit {
      try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: child)
    }.get()
    try await connection.executeThenClose { inbound, outbound in
      try await child.setOption(.autoRead, value: true).get()
      let answer = Answer { try await outbound.write(ByteBuffer(bytes: $0)) }
      if !greeting.isEmpty { try await answer.raw(greeting) }
      var pending = ""
      for try await part in inbound {
        pending += String(buffer: part)
        while var request = Self.parse(&pending) {
          request.number = log.withLock { log in
            log.append(request)
            return log.count - 1
          }
          try await respond(request, answer)
        }
      }
    }
  }

  private static func parse(_ text: inout String) -> Request? {
    guard let headEnd = text.firstRange(of: "\r\n\r\n") else { return nil }
    let lines = text[..<headEnd.lowerBound].split(separator: "\r\n")
    let first = lines[0].split(separator: " ")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts[1].trimmingPrefix(while: \.isWhitespace).description
    }
    let length = headers["content-length"].flatMap { Int($0) } ?? 0
    let rest = text[headEnd.upperBound...]
    guard rest.utf8.count >= length else { return nil }
    let body = String(decoding: rest.utf8.prefix(length), as: UTF8.self)
    text = String(decoding: rest.utf8.dropFirst(length), as: UTF8.self)
    let target = first[1].split(separator: "?", maxSplits: 1)
    var query: [String: String] = [:]
    for item in target.dropFirst().first?.split(separator: "&") ?? [] {
      let parts = item.split(separator: "=", maxSplits: 1)
      query[String(parts[0])] = parts.count > 1 ? (String(parts[1]).removingPercentEncoding ?? "") : ""
    }
    return Request(
      method: String(first[0]), path: String(target[0]), query: query, headers: headers, body: body, number: 0
    )
  }
}
