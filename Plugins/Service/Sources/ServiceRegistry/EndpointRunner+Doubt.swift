import DiscoveryProtocol
import RegistryKit

/// What becomes of nodes of which it isn't known whether the service has them.
extension EndpointRunner {
  /// Drops held nodes when their grace ends.
  func dropHeld(_ output: Output) async throws -> Never {
    while true {
      try Task.checkCancellation()
      // What is held from before the outage isn't dropped until the service has said what it has.
      if hasSnapshot { try tell(book.drop(at: clock.now()), output) }
      await wait(until: hasSnapshot ? book.nextDrop : nil, or: dropSignal)
    }
  }

  /// Marks what a service told as stale when it hasn't been heard for long, however its connections fail meanwhile.
  func ageWhileSilent(_ output: Output) async throws -> Never {
    while true {
      try Task.checkCancellation()
      try tell(book.age(at: clock.now()), output)
      await wait(until: book.nextStale, or: silenceSignal)
    }
  }

  /// Asks the service what it has of the nodes that it called gone, and again where it doesn't answer.
  func confirmDeletions(_ connection: any ServiceConnection, _ output: Output) async throws -> Never {
    let clusterID = settings.clusterID
    var retry = RetryDelay()
    var failures = 0
    while true {
      try Task.checkCancellation()
      guard !toConfirm.isEmpty else {
        await confirmSignal.wait()
        continue
      }
      try await clock.sleep(failures == 0 ? confirmSpread * random() : retry.next(random: random()))
      let asked = book.deletions(of: toConfirm)
      toConfirm = []
      let list = try? await clock.within(.seconds(5), "no answer to List") {
        try await connection.list(.with { $0.clusterID = clusterID })
      }
      try Task.checkCancellation()
      if let list {
        failures = 0
        try tell(book.confirm(asked, with: list.affiliates), output)
      } else {
        failures += 1
        try tell(book.doubt(asked, at: clock.now()), output)
        dropSignal.raise()
        if failures < Self.maximumLists {
          toConfirm.formUnion(asked.keys)
        } else {
          failures = 0
          book.leaveUnconfirmed(asked)
        }
      }
      if failures == 0 { retry.succeeded() }
    }
  }

  /// Over how long the nodes of the cluster spread their questions after a deletion, which all of them hear at once.
  var confirmSpread: Duration {
    min(max(Self.confirmDelay, Self.confirmDelayPerNode * book.count), Self.maximumConfirmDelay)
  }

  /// Waits until `time` has come, or `signal` is raised, or the task is cancelled.
  func wait(until time: Duration?, or signal: Signal) async {
    guard let time else { return await signal.wait() }
    let rest = time - clock.now()
    guard rest > .zero else { return }
    let clock = clock
    await withTaskGroup { group in
      group.addTask { try? await clock.sleep(rest) }
      group.addTask { await signal.wait() }
      await group.next()
      group.cancelAll()
    }
  }
}
