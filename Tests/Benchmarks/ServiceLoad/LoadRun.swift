import NIOHPACK

/// The steps of a measurement.
final class LoadRun {
  private let loop: LoadLoop
  private let host: String
  private let port: Int
  private let shape: LoadShape
  private let prefix: String
  private var watchers: [LoadConnection] = []
  private var writers: [LoadConnection] = []

  init(host: String, port: Int, shape: LoadShape, prefix: String) throws {
    loop = try LoadLoop()
    self.host = host
    self.port = port
    self.shape = shape
    self.prefix = prefix
  }

  /// Opens the writers' connections and stores every affiliate once.
  func fill(writers count: Int) throws {
    for index in 0..<count {
      let connection = try connect()
      let targets = stride(from: index, to: shape.clusters * shape.affiliates, by: count).map(target)
      connection.writer = WriterRole(connection: connection, loop: loop, targets: targets)
      writers.append(connection)
    }
    try runWriters { writer in
      var left = writer.targets.count
      return {
        left -= 1
        return left >= 0 ? 0 : nil
      }
    }
  }

  /// Opens all watches and waits for their snapshots.
  func watch() throws {
    for index in 0..<(shape.clusters * shape.watchers) {
      let cluster = index / shape.watchers
      let connection = try connect()
      let watcher = WatcherRole(cluster: cluster, affiliates: shape.affiliates)
      connection.watcher = watcher
      var message: [UInt8] = []
      message.appendField(1, Array("\(prefix)-\(cluster)".utf8))
      let address = "10.\(200 + index % 50).\(index / 250 % 250).\(index % 250)"
      try connection.call(1, LoadHeaders.make("Watch", address: address), .framed(message))
      watchers.append(connection)
    }
    try loop.run(until: steadyNanoseconds() + 60_000_000_000) {
      watchers.allSatisfy { $0.watcher?.hasSnapshot == true || $0.isClosed }
    }
  }

  /// Has all writers write for a while.
  func write(writers count: Int, seconds: Int, rate: Int) throws {
    for connection in writers + watchers {
      connection.writer?.forgetFigures()
      connection.watcher?.forgetFigures()
    }
    let start = steadyNanoseconds()
    let end = start + Int64(seconds) * 1_000_000_000
    try runWriters { _ in
      var due = start
      let gap = rate > 0 ? 1_000_000_000 * Int64(count) / Int64(rate) : 0
      return {
        guard steadyNanoseconds() < end else { return nil }
        due += gap
        return rate > 0 ? due : 0
      }
    }
  }

  /// Waits until every watcher knows every final state; returns how many are missing.
  func settle(within seconds: Int64) throws -> Int {
    var wanted: [[UInt32]] = Array(
      repeating: Array(repeating: 0, count: shape.affiliates), count: shape.clusters)
    for target in writers.flatMap({ $0.writer?.targets ?? [] }) {
      wanted[target.cluster][target.affiliate] = target.confirmed
    }
    var missing = 0
    try loop.run(until: steadyNanoseconds() + seconds * 1_000_000_000) {
      missing = watchers.reduce(0) { sum, connection in
        guard let watcher = connection.watcher else { return sum }
        return sum + zip(watcher.seen, wanted[watcher.cluster]).count { $0 < $1 }
      }
      return missing == 0
    }
    return missing
  }

  func totals() -> LoadTotals {
    var totals = LoadTotals()
    for case let writer? in writers.map(\.writer) {
      totals.updates += writer.updates
      totals.failures += writer.failures
      totals.rpc.merge(writer.rpc)
    }
    for connection in watchers {
      guard let watcher = connection.watcher else { continue }
      totals.notifications += watcher.notifications
      if connection.isClosed || watcher.isEnded { totals.cutOff += 1 }
      totals.fanOut.merge(watcher.fanOut)
    }
    return totals
  }

  // MARK: Helpers

  private func connect() throws -> LoadConnection {
    let connection = try LoadConnection(host: host, port: port, pings: shape.pings)
    try loop.add(connection)
    return connection
  }

  private func runWriters(_ plan: (WriterRole) -> () -> Int64?) throws {
    let roles = writers.compactMap(\.writer)
    for writer in roles { try writer.run(plan(writer)) }
    try loop.run { roles.allSatisfy(\.isDone) }
  }

  private func target(_ index: Int) -> WriterRole.Target {
    let cluster = index % shape.clusters
    let affiliate = index / shape.clusters
    var message: [UInt8] = []
    message.appendField(1, Array("\(prefix)-\(cluster)".utf8))
    message.appendField(2, Array("a\(affiliate)".utf8))
    message.appendField(5, [0x08, 0x88, 0x0E])  // ttl: 1800 s
    message.appendField(3, [UInt8](repeating: 0, count: shape.bytes))
    return WriterRole.Target(
      cluster: cluster, affiliate: affiliate,
      headers: LoadHeaders.make(
        "AffiliateUpdate", address: "10.\(index / 62_500 % 200).\(index / 250 % 250).\(index % 250)"),
      message: .framed(message), stampAt: message.count - shape.bytes + 5)
  }
}
