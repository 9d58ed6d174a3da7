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
    static let minimumSize = MemoryLayout<registry_host_v1>.size

    init(_ host: UnsafePointer<registry_host_v1>) {
      let size = min(Int(host.pointee.size), MemoryLayout<registry_host_v1>.size)
      withUnsafeMutableBytes(of: &functions) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: host, count: size))
      }
    }
  }

  /// The program on the other side.
  let host: HostProgram
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
    let reader = BoundaryReader()
    self.host = HostProgram(
      name: try reader.text(host.pointee.name, "name"),
      version: try reader.text(host.pointee.version, "version"))
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

  /// For how long what can no longer be found still counts; zero where the host doesn't say.
  var staleAfter: Duration {
    BoundaryWriter.withTexts([REGISTRY_EXTENSION_STALE_AFTER]) { texts in
      let milliseconds: UInt64? = call { host in
        host.get_extension?(host.context, texts[0])?.load(as: UInt64.self) ?? 0
      }
      return .milliseconds(Int64(clamping: milliseconds ?? 0))
    }
  }

  /// Hands `batch` to the host.
  package func apply(_ batch: RegistryBatch) throws(RegistryError) {
    if let address = batch.publicAddress {
      _ = call { $0.public_address($0.context, registry_address_v1(address)) }
    }
    guard !batch.updates.isEmpty || !batch.reports.isEmpty || batch.expectedSources != nil else { return }
    try BoundaryWriter.withBatch(batch) { (raw) throws(RegistryError) in
      try BoundaryMessage.throwing("the host refused what the registry applied") { message in
        call { $0.apply($0.context, raw, message) } ?? registry_code(REGISTRY_STOPPED)
      }
    }
  }

  /// Gives the host the outcome of a publication.
  package func published(_ revision: UInt64, _ error: RegistryError?) {
    let code = error?.code.boundary ?? registry_code(REGISTRY_OK)
    BoundaryWriter.withTexts([error?.message ?? ""]) { texts in
      _ = call { $0.published($0.context, revision, code, texts[0]) }
    }
  }

  /// The registry is at its end.
  package func failed(_ error: RegistryError) {
    BoundaryWriter.withTexts([error.message]) { texts in
      _ = call { $0.failed($0.context, error.code.boundary, texts[0]) }
    }
  }

  /// Writes one line to the host's log; `level` is one of `REGISTRY_LOG_`.
  package func log(level: UInt32, _ text: String) {
    BoundaryWriter.withTexts([text]) { texts in
      _ = call { $0.log($0.context, level, texts[0]) }
    }
  }
}
