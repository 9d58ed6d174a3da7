import CRegistryPlugin
import RegistryKit

/// The functions that a plugin calls. Called on any thread, and never wait.
enum HostFunctions {
  static func table(context: UnsafeMutableRawPointer?) -> registry_host_v1 {
    registry_host_v1(
      size: UInt32(MemoryLayout<registry_host_v1>.size),
      abi_major: UInt16(REGISTRY_ABI_MAJOR), abi_minor: UInt16(REGISTRY_ABI_MINOR),
      context: context,
      snapshot: { context, source, affiliates, count, message in
        HostFunctions.call(context, message) { intake throws(RegistryError) in
          try intake.snapshot(source, affiliates, count: count)
        }
      },
      upsert: { context, source, affiliate, message in
        HostFunctions.call(context, message) { intake throws(RegistryError) in
          try intake.upsert(source, affiliate)
        }
      },
      remove: { context, source, nodeID, message in
        HostFunctions.call(context, message) { intake throws(RegistryError) in
          try intake.remove(source, nodeID)
        }
      },
      source_gone: { context, source, message in
        HostFunctions.call(context, message) { intake throws(RegistryError) in
          try intake.sourceGone(source)
        }
      },
      status: { context, state, code, text in
        HostContexts.shared.intake(context)?.status(state, code: code, text)
      },
      log: { context, level, text in
        HostContexts.shared.intake(context)?.log(level: level, text)
      },
      public_address: { context, address in
        HostContexts.shared.intake(context)?.publicAddress(address)
      },
      sources: { context, sources, count, message in
        HostFunctions.call(context, message) { intake throws(RegistryError) in
          try intake.sources(sources, count: count)
        }
      })
  }

  private static func call(
    _ context: UnsafeMutableRawPointer?, _ message: UnsafeMutablePointer<registry_message_v1>?,
    _ body: (Intake) throws(RegistryError) -> Void
  ) -> registry_code {
    do throws(RegistryError) {
      guard let intake = HostContexts.shared.intake(context) else {
        throw RegistryError(.stopped, "no registry listens here any more")
      }
      try body(intake)
      return registry_code(REGISTRY_OK)
    } catch {
      return BoundaryMessage.write(error, to: message)
    }
  }
}
