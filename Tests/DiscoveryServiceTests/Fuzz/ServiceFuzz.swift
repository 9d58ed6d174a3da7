import ClusterModel
import NIOCore
import Platform

#if !FUZZING
  @testable import DiscoveryService
#endif

/// What must hold for any bytes that a stranger, a proxy or a file may bring before the service. Shared by the tests
/// and the fuzz target, which is built together with the service's own sources.
enum ServiceFuzz {
  struct Broken: Error {
    var what: String
  }

  /// How many kinds of inputs there are.
  static let kinds: UInt8 = 12

  /// Runs `input`, whose first byte says what the others are.
  static func check(_ input: [UInt8]) throws {
    guard let kind = input.first else { return }
    let bytes = Array(input.dropFirst())
    switch kind % kinds {
    case 0...4: try FuzzedStore().checkRequest(ServiceMethod.allCases[Int(kind % kinds)], bytes)
    case 5: try checkFraming(bytes)
    case 6: try FuzzedStore().checkRequests(bytes)
    case 7: try checkSnapshot(bytes)
    case 8: try checkAddress(bytes)
    case 9: try checkTokens(bytes)
    case 10: try checkTarget(bytes)
    default: try checkTimeout(bytes)
    }
  }

  static func require(_ condition: Bool, _ what: String) throws {
    guard condition else { throw Broken(what: what) }
  }

  /// Text as a header or a file may have it.
  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// A request's body as it came.
  private static func checkFraming(_ bytes: [UInt8]) throws {
    for encoding in [nil, "identity", "gzip"] {
      guard let message = try? MessageFraming.message(ByteBuffer(bytes: bytes), encoding: encoding) else {
        continue
      }
      try require(Array(buffer: message) == Array(bytes.dropFirst(5)), "a message isn't what was framed")
      try require(bytes[0] == 0, "a compressed message was taken")
    }
  }

  /// A snapshot file.
  private static func checkSnapshot(_ bytes: [UInt8]) throws {
    guard let clusters = try? StateSnapshot.decode(ByteBuffer(bytes: bytes), now: 1_000_000_000) else {
      return
    }
    try FuzzedMessages.check(clusters, bytes)
    var buffer = ByteBuffer()
    for (cluster, affiliates) in clusters {
      StateSnapshot.append(cluster: cluster, affiliates, to: &buffer)
    }
    let again = try StateSnapshot.decode(buffer, now: 0)
    try require(
      again.map(\.cluster) == clusters.map(\.cluster)
        && again.map(\.affiliates) == clusters.map(\.affiliates),
      "a snapshot isn't the same when written again")
    let store = FuzzedStore()
    for (cluster, affiliates) in clusters {
      for affiliate in affiliates { try? store.store.restore(cluster: cluster, affiliate) }
    }
    try store.check(clusters.map(\.cluster))
    try store.checkExpiry()
  }

  /// The headers of a proxy: `x-real-ip` and `x-forwarded-for`, a line each.
  private static func checkAddress(_ bytes: [UInt8]) throws {
    let lines = bytes.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
    let realIP = lines.first.map { text(Array($0)) }
    let forwardedFor = lines.count > 1 ? text(Array(lines[1])) : nil
    let peer = IPAddress(v4: 0x0A00_0001)
    let nobody = ClientAddress(trusted: [])
    let proxies = ClientAddress(trusted: [try IPPrefix("10.0.0.0/8")])
    try require(
      nobody.resolve(peer: peer, realIP: realIP, forwardedFor: forwardedFor) == peer,
      "a header of somebody who isn't trusted counts")
    guard let client = proxies.resolve(peer: peer, realIP: realIP, forwardedFor: forwardedFor) else {
      throw Broken(what: "there is no address")
    }
    try require([4, 16].contains(client.bytes.count), "an address has \(client.bytes.count) bytes")
  }

  /// A token file, and then the file's text as a header.
  private static func checkTokens(_ bytes: [UInt8]) throws {
    guard let text = String(validating: bytes, as: UTF8.self),
      let tokens = try? AccessTokens(text, file: "tokens")
    else { return }
    // A mark of the byte order may stand in front.
    for line in bytes.drop(while: { $0 > 0x7F }).split(separator: 0x0A) {
      let words = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D })
      guard words.count > 1, words[0].first != 0x23 else { continue }
      try tokens.check(
        authorization: "Bearer \(Self.text(Array(words[0])))", cluster: OpaqueID(Array(words[1])))
    }
    for header in ["", text, "Bearer \(text)", "Bearer \(text)x"] where (try? allows(tokens, header)) == true
    {
      throw Broken(what: "a token of no line was taken")
    }
  }

  /// Whether `header` opens a cluster that no file names.
  private static func allows(_ tokens: AccessTokens, _ header: String) throws(ServiceError) -> Bool {
    // Where the file is one line of one token for all clusters, its start may well be a token.
    guard !header.contains("*") else { return false }
    try tokens.check(authorization: header, cluster: OpaqueID("\u{0}"))
    return true
  }

  /// What a browser asks a page for.
  private static func checkTarget(_ bytes: [UInt8]) throws {
    let target = PageTarget(text(bytes))
    let cluster = target["clusterID"] ?? []
    try require(cluster.count <= bytes.count * 3, "a parameter has more bytes than the target")
    let json = jsonString(text(cluster))
    try require(json.utf8.allSatisfy { $0 >= 0x20 }, "JSON has control characters")
    let html = Page.escaped(text(cluster))
    try require(html.allSatisfy { !"<>\"'".contains($0) }, "text has markup")
  }

  /// A `grpc-timeout` header.
  private static func checkTimeout(_ bytes: [UInt8]) throws {
    guard let timeout = RequestHead.timeout(text(bytes)) else { return }
    try require(timeout.nanoseconds >= 0, "a timeout is negative")
    try require(NIODeadline.now() + timeout >= NIODeadline.now() - .hours(1), "a deadline is over")
  }
}
