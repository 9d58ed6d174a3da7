import CRegistryPlugin
import ClusterModel
import RegistryKit

/// Reads a plugin's descriptor, and refuses one that breaks a rule of the boundary.
struct PluginDescriptorCheck {
  let file: String

  func descriptor(of table: PluginTable) throws(PluginError) -> RegistryDescriptor {
    guard let raw = table.functions.descriptor?.pointee else {
      throw PluginError(.malformed, file: file, "its table's descriptor is NULL, and is required")
    }
    return RegistryDescriptor(
      name: try name(raw.name, "name"), version: try text(raw.version, "version"),
      prefix: try name(raw.prefix, "prefix"), summary: try text(raw.summary, "summary"),
      optionsSchema: try text(raw.options_schema, "options_schema", limit: 1 << 20),
      publishes: raw.flags & UInt32(REGISTRY_PUBLISHES) != 0,
      leases: raw.flags & UInt32(REGISTRY_LEASES) != 0,
      matching: try matching(of: table),
      wantsClusterSecret: raw.flags & UInt32(REGISTRY_WANTS_CLUSTER_SECRET) != 0)
  }

  /// The most entries of a match list.
  private static let maximumKeys = 64

  /// What the plugin says of how its records are matched; none are where it says nothing.
  private func matching(of table: PluginTable) throws(PluginError) -> RegistryMatching {
    guard let function = table.functions.get_extension else { return RegistryMatching() }
    let found = BoundaryWriter.withTexts([REGISTRY_EXTENSION_MATCHING]) { function($0[0]) }
    guard let raw = found?.load(as: registry_matching_v1.self) else { return RegistryMatching() }
    let alone: StandaloneRole = raw.flags & UInt32(REGISTRY_ALONE_AFFILIATE) != 0 ? .affiliate : .member
    guard raw.key_count > 0 else { return RegistryMatching(alone: alone) }
    guard let first = raw.keys, raw.key_count <= Self.maximumKeys else {
      throw PluginError(
        .malformed, file: file,
        raw.keys == nil
          ? "its match list has \(raw.key_count) entries and is NULL"
          : "its match list has \(raw.key_count) entries; it has at most \(Self.maximumKeys)")
    }
    var keys: [MatchKey] = []
    for index in 0..<raw.key_count {
      let text = try text(first[index], "match list's entry")
      let key: MatchKey
      do throws(ModelError) {
        key = try MatchKey(text)
      } catch {
        throw PluginError(.malformed, file: file, "its match list is wrong: \(error)")
      }
      guard !keys.contains(where: { $0.field == key.field }) else {
        throw PluginError(.malformed, file: file, "its match list has \(key.field) twice")
      }
      keys.append(key)
    }
    return RegistryMatching(keys: keys, alone: alone)
  }

  private func text(
    _ raw: registry_string_v1, _ field: StaticString, limit: Int = 4096
  ) throws(PluginError) -> String {
    guard raw.data != nil, raw.length != 0 else {
      throw PluginError(
        .malformed, file: file,
        "its descriptor's \(field) is \(raw.data == nil ? "NULL" : "empty"), and is required")
    }
    do throws(RegistryError) {
      return try BoundaryReader().text(raw, field, limit: limit)
    } catch {
      throw PluginError(.malformed, file: file, "its descriptor's \(error.message)", cause: error)
    }
  }

  private func name(_ raw: registry_string_v1, _ field: StaticString) throws(PluginError) -> String {
    let name = try text(raw, field)
    let isWellFormed =
      name.utf8.count <= 64
      && name.utf8.first.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) } ?? false
      && name.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
      }
    guard isWellFormed else {
      throw PluginError(
        .malformed, file: file,
        "its descriptor's \(field) is '\(name.prefix(80))'; it should be 1 to 64 of a-z, 0-9 and '-', a letter first"
      )
    }
    return name
  }

  /// The schema that `descriptor` holds: what is wrong with it is an error now, not when somebody writes options.
  func optionsSchema(of descriptor: RegistryDescriptor) throws(PluginError) -> OptionsSchema {
    do throws(OptionsSchemaError) {
      return try OptionsSchema(json: descriptor.optionsSchema)
    } catch {
      throw PluginError(
        .malformed, file: file, "its descriptor's options_schema is wrong: \(error.reason)", cause: error)
    }
  }
}
