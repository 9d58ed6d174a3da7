import Exposition
import Synchronization

/// What the service counts of itself.
final class ServiceMetrics: Sendable {
  /// Counts of one gRPC method.
  final class Method: Sendable {
    let started = Counter()
    let received = Counter()
    let sent = Counter()
    let handled: [Counter] = StatusCode.allCases.map { _ in Counter() }
    let duration = Histogram()
  }

  private let methods: [Method] = ServiceMethod.allCases.map { _ in Method() }
  let connectionsTotal = Counter()
  /// Open connections for pages.
  let pageConnections = Gauge()
  /// Bytes of pages that clients haven't taken in yet.
  let unsentPageBytes = Gauge()
  /// Changes handed to watchers' streams.
  let notifications = Counter()
  /// States that were replaced by a newer one of the same affiliate before they were sent.
  let coalesced = Counter()
  /// How long a change waits between the store and the watchers' sockets.
  let fanOut = Histogram()
  let snapshotsWritten = Counter()
  let snapshotFailures = Counter()
  let certificateReloads = Counter()
  let connectionErrors = Counter()
  /// How often a connection wasn't read from for a while, as its client had very many calls refused.
  let pausedReads = Counter()

  private let rejections = Mutex<[String: Int]>([:])
  private let hellos = Mutex<[String: Int]>([:])
  static let versionsKept = 100

  subscript(_ method: ServiceMethod) -> Method { methods[method.index] }

  /// A call was refused for `reason`, one of a closed set.
  func reject(_ reason: String) { rejections.withLock { $0[reason, default: 0] += 1 } }

  /// A client said hello. Its version is its own free text: so what is kept is bounded.
  func hello(_ version: String) {
    let known = version.utf8.count <= 64 ? Self.shortened(version) : "other"
    hellos.withLock { table in
      let key = table[known] != nil || table.count < Self.versionsKept ? known : "other"
      table[key, default: 0] += 1
    }
  }

  /// `v1.15` of `v1.15.0-alpha.1`, as dashboards have it; what isn't such a version as it is.
  static func shortened(_ version: String) -> String {
    let bytes = version.utf8
    guard bytes.first == UInt8(ascii: "v") else { return version }
    let parts = bytes.dropFirst().split(
      separator: UInt8(ascii: "."), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count >= 2 else { return version }
    let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
    let minor = parts[1].prefix(while: isDigit)
    let ends = minor.endIndex == parts[1].endIndex || "-+".utf8.contains(parts[1][minor.endIndex])
    guard !parts[0].isEmpty, parts[0].allSatisfy(isDigit), !minor.isEmpty, ends else { return version }
    return String(decoding: bytes[..<minor.endIndex], as: UTF8.self)
  }

  var rejectionCounts: [(reason: String, count: Int)] {
    rejections.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  var helloCounts: [(version: String, count: Int)] {
    hellos.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}
