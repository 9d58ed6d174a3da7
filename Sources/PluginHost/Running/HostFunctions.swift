import CRegistryPlugin
import RegistryKit

/// The functions that a plugin calls. Called on any thread, and never wait.
enum HostFunctions {
  /// The table that leads to the fence of `context`; `name` and `version` are this program's, and never freed.
  static func table(
    context: UnsafeMutableRawPointer?, name: registry_string_v1, version: registry_string_v1
  ) -> registry_host_v1 {
    registry_host_v1(
      size: UInt32(MemoryLayout<registry_host_v1>.size),
      abi_major: UInt16(REGISTRY_ABI_MAJOR), abi_minor: UInt16(REGISTRY_ABI_MINOR),
      context: context, name: name, version: version,
      apply: { context, batch, message in
        HostFunctions.call(context, message) { fence throws(RegistryError) in try fence.apply(batch) }
      },
      report: { context, report in
        HostFunctions.call(context) { fence throws(RegistryError) in try fence.report(report) }
      },
      published: { context, revision, code, text in
        HostFunctions.call(context) { fence throws(RegistryError) in
          try fence.published(revision, code: code, text)
        }
      },
      failed: { context, code, text in
        HostFunctions.call(context) { fence throws(RegistryError) in try fence.failed(code: code, text) }
      },
      public_address: { context, address in
        HostFunctions.call(context) { fence throws(RegistryError) in try fence.publicAddress(address) }
      },
      log: { context, level, text in HostContexts.shared.fence(context)?.log(level: level, text) },
      get_extension: { HostContexts.shared.extension($0, $1) })
  }

  @discardableResult
  private static func call(
    _ context: UnsafeMutableRawPointer?, _ message: UnsafeMutablePointer<registry_message_v1>? = nil,
    _ body: (HostFence) throws(RegistryError) -> Void
  ) -> registry_code {
    do throws(RegistryError) {
      guard let fence = HostContexts.shared.fence(context) else {
        throw RegistryError(.stopped, "no registry runs here any more")
      }
      try body(fence)
      return registry_code(REGISTRY_OK)
    } catch {
      return BoundaryMessage.write(error, to: message)
    }
  }
}
