import Foundation
import RegistryKit
import RollcallConfiguration
import Testing

/// The files beside these tests: `good`, `bad` with the expected `.errors`, and the `schemas` of three plugins.
enum Fixtures {
  static func folder(_ name: String) throws -> URL {
    try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)")
  }

  static func names(in folder: String) -> [String] {
    guard let files = try? FileManager.default.contentsOfDirectory(atPath: self.folder(folder).path) else {
      return []
    }
    return files.filter { $0.hasSuffix(".yaml") }.sorted()
  }

  static func text(_ path: String) throws -> String {
    try String(contentsOf: folder(path), encoding: .utf8)
  }

  static let plugins = ["kubernetes", "service", "static-file"]

  static func schema(_ plugin: String) throws -> OptionsSchema? {
    plugins.contains(plugin) ? try OptionsSchema(json: text("schemas/\(plugin).json")) : nil
  }

  /// The configuration, named in messages by its name alone, its options checked.
  static func parse(_ path: String) throws -> Configuration {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return try ConfigurationFile.parse(Array(text(path).utf8), file: name) {
      $0.check(plugins: plugins, schemas: schema)
    }
  }

  /// Everything that is wrong with the file, a line each.
  static func errors(_ path: String) throws -> String {
    do {
      _ = try parse(path)
      return ""
    } catch let errors as ConfigurationErrors {
      return "\(errors)\n"
    }
  }
}

func parse(_ text: String, file: String = "rollcall.yaml") throws -> Configuration {
  try ConfigurationFile.parse(text.utf8, file: file)
}

func errors(_ text: String) -> [String] {
  do {
    _ = try parse(text)
    return []
  } catch let errors as ConfigurationErrors {
    return errors.errors.map(\.description)
  } catch { return ["\(error)"] }
}
