import NIOCore
import NIOHTTP2
import NIOPosix

/// The steps of a measurement, from outside the event loops.
final class LoadRun {
  private let group: MultiThreadedEventLoopGroup
  private let host: String
  private let port: Int
  private let shape: LoadShape
  private let prefix: String
  private var watchers: [Handle] = []
  private var writers: [Handle] = []

  /// A connection with the loop that may touch it.
  private struct Handle {
    let eventLoop: any EventLoop
    let connection: NIOLoopBound<LoadConnection>
  }

  init(
    group: MultiThreadedEventLoopGroup, host: String, port: Int, shape: LoadShape, prefix: String
  ) {
    self.group = group
    self.host = host
    self.port = port
    self.shape = shape
    self.prefix = prefix
  }

  /// Opens the writers' connections and stores every affiliate once.
  func fill(writers count: Int) throws {
    for index in 0..<count {
      let shape = shape
      let prefix = prefix
      writers.append(
        try connect { connection in
          let targets = stride(from: index, to: shape.clusters * shape.affiliates, by: count).map {
            Self.target($0, shape, prefix)
          }
          connection.writer = WriterRole(connection: connection, targets: targets)
        })
    }
    try runWriters { writer in
      var left = writer.targets.count
      return {
        left -= 1
        return left >= 0 ? .zero : nil
      }
    }
  }

  /// Opens all watches and waits for their snapshots.
  func watch() throws {
    for index in 0..<(shape.clusters * shape.watchers) {
      let shape = shape
      let prefix = prefix
      let cluster = index / shape.watchers
      watchers.append(
        try connect { connection in
          connection.watcher = WatcherRole(cluster: cluster, affiliates: shape.affiliates)
          var message = ByteBuffer()
          message.writeField(1, Array("\(prefix)-\(cluster)".utf8))
          let address = "10.\(200 + index % 50).\(index / 250 % 250).\(index % 250)"
          connection.send(1, .headers(.init(headers: LoadHeaders.make("Watch", address: address))))
          connection.send(1, .data(.init(data: .byteBuffer(Self.framed(message)), endStream: true)))
          connection.flush()
        })
    }
    let end = NIODeadline.now() + .seconds(60)
    while try count(watchers, { $0.watcher?.hasSnapshot != true && !$0.isClosed }) > 0,
      NIODeadline.now() < end
    {
      try pause()
    }
  }

  /// Has all writers write for a while.
  func write(writers count: Int, seconds: Int, rate: Int) throws {
    for connection in writers + watchers {
      try on(connection) {
        $0.writer?.forgetFigures()
        $0.watcher?.forgetFigures()
      }
    }
    let start = NIODeadline.now()
    let end = start + .seconds(Int64(seconds))
    try runWriters { _ in
      var due = start
      let gap = rate > 0 ? TimeAmount.nanoseconds(1_000_000_000 * Int64(count) / Int64(rate)) : .zero
      return {
        let now = NIODeadline.now()
        guard now < end else { return nil }
        due = due + gap
        return rate > 0 ? due - now : .zero
      }
    }
  }

  /// Waits until every watcher knows every final state; returns how many are missing.
  func settle(within seconds: Int64) throws -> Int {
    var final: [[UInt32]] = Array(
      repeating: Array(repeating: 0, count: shape.affiliates), count: shape.clusters)
    for connection in writers {
      for (cluster, affiliate, sequence) in try on(
        connection,
        { connection in
          connection.writer?.targets.map { ($0.cluster, $0.affiliate, $0.confirmed) } ?? []
        })
      { final[cluster][affiliate] = sequence }
    }
    let wanted = final
    let end = NIODeadline.now() + .seconds(seconds)
    while true {
      var missing = 0
      for connection in watchers {
        missing += try on(connection) { connection in
          guard let watcher = connection.watcher else { return 0 }
          return zip(watcher.seen, wanted[watcher.cluster]).count { $0 < $1 }
        }
      }
      if missing == 0 || NIODeadline.now() > end { return missing }
      try pause()
    }
  }

  func totals() throws -> LoadTotals {
    var totals = LoadTotals()
    for connection in writers {
      let part = try on(connection) { ($0.writer?.updates ?? 0, $0.writer?.failures ?? 0, $0.writer?.rpc) }
      totals.updates += part.0
      totals.failures += part.1
      if let rpc = part.2 { totals.rpc.merge(rpc) }
    }
    for connection in watchers {
      let part = try on(connection) { connection in
        (
          connection.watcher?.notifications ?? 0, connection.isClosed || connection.watcher?.isEnded == true,
          connection.watcher?.fanOut
        )
      }
      totals.notifications += part.0
      if part.1 { totals.cutOff += 1 }
      if let fanOut = part.2 { totals.fanOut.merge(fanOut) }
    }
    return totals
  }

  // MARK: Helpers

  private func connect(
    _ setUp: @escaping @Sendable (LoadConnection) -> Void
  ) throws -> Handle {
    let pings = shape.pings
    let channel = try ClientBootstrap(group: group)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(
            NIOHTTP2Handler(
              mode: .client, connectionConfiguration: LoadConnection.configuration(),
              streamConfiguration: .init()))
          try pipeline.addHandler(LoadConnection(pings: pings))
        }
      }
      .connect(host: host, port: port).wait()
    let bound = try channel.eventLoop.submit {
      let connection = try channel.pipeline.syncOperations.handler(type: LoadConnection.self)
      setUp(connection)
      return NIOLoopBound(connection, eventLoop: channel.eventLoop)
    }.wait()
    return Handle(eventLoop: channel.eventLoop, connection: bound)
  }

  private func on<Value: Sendable>(
    _ handle: Handle, _ body: @escaping @Sendable (LoadConnection) -> Value
  ) throws -> Value {
    try handle.eventLoop.submit { [connection = handle.connection] in body(connection.value) }.wait()
  }

  private func count(
    _ connections: [Handle], _ isCounted: @escaping @Sendable (LoadConnection) -> Bool
  ) throws -> Int {
    try connections.reduce(0) { $0 + (try on($1) { isCounted($0) ? 1 : 0 }) }
  }

  private func runWriters(
    _ plan: @escaping @Sendable (WriterRole) -> () -> TimeAmount?
  ) throws {
    var done: [EventLoopFuture<Void>] = []
    for connection in writers {
      let promise = connection.eventLoop.makePromise(of: Void.self)
      done.append(promise.futureResult)
      try on(connection) { connection in
        guard let writer = connection.writer else { return promise.succeed(()) }
        writer.run(plan(writer)) { promise.succeed(()) }
      }
    }
    for future in done { try future.wait() }
  }

  private func pause() throws { try group.next().scheduleTask(in: .milliseconds(20)) {}.futureResult.wait() }

  private static func framed(_ message: ByteBuffer) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeInteger(0 as UInt8)
    buffer.writeInteger(UInt32(message.readableBytes))
    buffer.writeImmutableBuffer(message)
    return buffer
  }

  private static func target(_ index: Int, _ shape: LoadShape, _ prefix: String) -> WriterRole.Target {
    let cluster = index % shape.clusters
    let affiliate = index / shape.clusters
    var message = ByteBuffer()
    message.writeField(1, Array("\(prefix)-\(cluster)".utf8))
    message.writeField(2, Array("a\(affiliate)".utf8))
    message.writeField(5, [0x08, 0x88, 0x0E])  // ttl: 1800 s
    message.writeField(3, [UInt8](repeating: 0, count: shape.bytes))
    let stampAt = message.writerIndex - shape.bytes + 5
    return WriterRole.Target(
      cluster: cluster, affiliate: affiliate,
      headers: LoadHeaders.make(
        "AffiliateUpdate", address: "10.\(index / 62_500 % 200).\(index / 250 % 250).\(index % 250)"),
      message: framed(message), stampAt: stampAt)
  }
}
