package import CRegistryPlugin
import Synchronization

/// One instance's way to its host: values in, C calls out.
///
/// Calls are made one at a time, in order. After ``close()``, which waits for a call under way, the host is
/// never called again, whoever still holds the registry's updates or its logger.
package final class HostConnection: Sendable {
  /// `@unchecked`: a copy of the host's constant table; its functions may be called from any thread. It is
  /// only used under the lock, and not after the host was told that it no longer is.
  private struct Table: @unchecked Sendable {
    /// What an older host doesn't have yet is nil.
    var functions = registry_host_v1()

    /// The least that a host of this version has.
    static let minimumSize =
      MemoryLayout<registry_host_v1>.offset(of: \.sources) ?? MemoryLayout<registry_host_v1>.size

    init(_ host: UnsafePointer<registry_host_v1>) {
      let size = min(Int(host.pointee.size), MemoryLayout<registry_host_v1>.size)
      withUnsafeMutableBytes(of: &functions) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: host, count: size))
      }
    }
  }

  private let table: Mutex<Table?>
  private let closed = Atomic(false)

  /// The connection to `host`, which must live until ``close()``.
  package init(_ host: UnsafePointer<registry_host_v1>) throws(RegistryError) {
    guard host.pointee.size >= Table.minimumSize,
      Int(host.pointee.abi_major) == REGISTRY_ABI_MAJOR
    else {
      throw RegistryError(
        .unsupported,
        "the host speaks plugin ABI \(host.pointee.abi_major).\(host.pointee.abi_minor), this plugin speaks "
          + "\(REGISTRY_ABI_MAJOR).\(REGISTRY_ABI_MINOR)")
    }
    table = Mutex(Table(host))
  }

  /// Ends the connection, when a call under way has returned.
  package func close() {
    closed.store(true, ordering: .releasing)
    table.withLock { $0 = nil }
  }

  /// Whether nothing reaches the host any more; doesn't wait for a call under way.
  var isClosed: Bool { closed.load(ordering: .acquiring) }

  private func call<Result: Sendable>(_ body: (registry_host_v1) -> Result) -> Result? {
    table.withLock { table in
      guard let table else { return nil }
      return body(table.functions)
    }
  }

  private func send(
    _ what: String,
    _ body: (registry_host_v1, UnsafeMutablePointer<registry_message_v1>) -> registry_code
  ) throws(RegistryError) {
    try BoundaryMessage.throwing("the host refused \(what)") { message in
      call { body($0, message) } ?? registry_code(REGISTRY_STOPPED)
    }
  }

  /// Hands `event` to the host.
  package func send(_ event: RegistryEvent) throws(RegistryError) {
    switch event {
    case .sources(let sources): try send(sources)
    case .update(let update): try send(update)
    case .healthy: status(REGISTRY_STATE_HEALTHY, code: registry_code(REGISTRY_OK), "")
    case .degraded(let error): status(REGISTRY_STATE_DEGRADED, code: error.code.boundary, error.message)
    case .publicAddress(let address):
      _ = call { $0.public_address($0.context, registry_address_v1(address)) }
    }
  }

  private func send(_ sources: [RegistrySource]) throws(RegistryError) {
    try BoundaryWriter.withTexts(sources.map(\.name)) { texts throws(RegistryError) in
      try send("the names of sources") { host, message in
        // For an older host the first snapshot of any source is what counts.
        guard let name = host.sources else { return registry_code(REGISTRY_OK) }
        return texts.withUnsafeBufferPointer { name(host.context, $0.baseAddress, $0.count, message) }
      }
    }
  }

  private func send(_ update: RegistryUpdate) throws(RegistryError) {
    switch update {
    case .snapshot(let records, let source):
      try BoundaryWriter.withTexts([source.name]) { texts throws(RegistryError) in
        try BoundaryWriter.withAffiliates(records) { affiliates throws(RegistryError) in
          try send("a snapshot") {
            $0.snapshot($0.context, texts[0], affiliates.baseAddress, affiliates.count, $1)
          }
        }
      }
    case .upsert(let record, let source):
      try BoundaryWriter.withTexts([source.name]) { texts throws(RegistryError) in
        try BoundaryWriter.withAffiliates([record]) { affiliates throws(RegistryError) in
          try send("a node") { $0.upsert($0.context, texts[0], affiliates.baseAddress, $1) }
        }
      }
    case .remove(let nodeID, let source):
      try BoundaryWriter.withTexts([source.name, nodeID.text]) { texts throws(RegistryError) in
        try send("a removal") { $0.remove($0.context, texts[0], texts[1], $1) }
      }
    case .sourceGone(let source):
      try BoundaryWriter.withTexts([source.name]) { texts throws(RegistryError) in
        try send("a source's end") { $0.source_gone($0.context, texts[0], $1) }
      }
    }
  }

  /// Tells the host that the registry is at its end.
  package func failed(_ error: RegistryError) {
    status(REGISTRY_STATE_FAILED, code: error.code.boundary, error.message)
  }

  private func status(_ state: Int, code: registry_code, _ text: String) {
    BoundaryWriter.withTexts([text]) { texts in
      _ = call { $0.status($0.context, UInt32(state), code, texts[0]) }
    }
  }

  /// Writes one line to the host's log; `level` is one of `REGISTRY_LOG_`.
  package func log(level: UInt32, _ text: String) {
    BoundaryWriter.withTexts([text]) { texts in
      _ = call { $0.log($0.context, level, texts[0]) }
    }
  }
}
