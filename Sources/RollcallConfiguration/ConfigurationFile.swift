import Documents
import Platform

/// Reads configuration files.
public enum ConfigurationFile {
  /// The most bytes that a file may have.
  public static let maximumSize = 1 << 20

  /// The configuration in the file at `path`.
  ///
  /// - Parameters:
  ///   - inProcess: names of registries that the program adds by itself, which `merge.precedence` may
  ///     therefore name.
  ///   - check: finds further errors, of options: see ``DeclaredConfiguration/checked(_:)``.
  /// - Throws: everything that is wrong with the file, at once.
  public static func load(
    _ path: String, inProcess: [String] = [], check: (Configuration) -> [ConfigurationError] = { _ in [] }
  ) throws(ConfigurationErrors) -> Configuration {
    let declared = try read(path, inProcess: inProcess)
    return try declared.checked(check(declared.configuration))
  }

  /// The configuration in `text`, which is that of the file `file`: as ``load(_:inProcess:check:)``. The
  /// file that `cluster.secretFile` names is read.
  public static func parse(
    _ text: some Collection<UInt8>, file: String, inProcess: [String] = [],
    check: (Configuration) -> [ConfigurationError] = { _ in [] }
  ) throws(ConfigurationErrors) -> Configuration {
    let declared = try declared(text, file: file, inProcess: inProcess)
    return try declared.checked(check(declared.configuration))
  }

  /// Reads the file at `path`, once: the plugins that it names, and so what their options may be, are only known
  /// then.
  ///
  /// - Throws: where it can't be read or is no YAML.
  public static func read(
    _ path: String, inProcess: [String] = []
  ) throws(ConfigurationErrors) -> DeclaredConfiguration {
    let file: BoundedFile
    do throws(FileError) {
      // A shell's `<(…)` is a pipe.
      file = try BoundedFile.read(path, limit: maximumSize, kind: .regularOrPipe, asksForWriters: true)
    } catch {
      throw ConfigurationErrors([
        ConfigurationError(file: path, message: "the configuration can't be read: \(error.explanation)")
      ])
    }
    var declared = try declared(file.bytes, file: path, inProcess: inProcess)
    declared.isBeingWritten = file.writers == .some
    return declared
  }

  private static func declared(
    _ text: some Collection<UInt8>, file: String, inProcess: [String]
  ) throws(ConfigurationErrors) -> DeclaredConfiguration {
    let diagnostics = Diagnostics(file: file, places: ConfigurationKeys.places, limit: 1000)
    let stream: YAMLStream
    do throws(YAMLError) {
      stream = try YAML.parse(text, file: file, limits: limits)
    } catch {
      throw ConfigurationErrors([ConfigurationError(error)])
    }
    diagnostics.add(stream.duplicateKeys)
    if stream.documents.count > 1 {
      diagnostics.error(
        stream.documents[1].mark,
        "the file has \(stream.documents.count) documents; write one, without '---' after the first line")
    }
    let reader = ConfigurationReader(diagnostics: diagnostics, inProcess: inProcess)
    let (configuration, arePluginsKnown) = reader.read(stream.documents.first)
    return DeclaredConfiguration(
      configuration: configuration, arePluginsKnown: arePluginsKnown,
      isBlank: stream.documents.allSatisfy(isBlank),
      errors: diagnostics.errors.kept.map(ConfigurationError.init))
  }

  private static func isBlank(_ node: YAMLNode) -> Bool {
    node.isNull || node.pairs?.allSatisfy { isBlank($0.value) } ?? false
  }

  private static let limits = YAMLLimits(size: maximumSize, depth: 32, nodes: 100_000, aliasedNodes: 10_000)
}

/// What a file declares, before the options of its registries have been checked by the schemas of their plugins.
public struct DeclaredConfiguration: Sendable {
  /// What could be read.
  public let configuration: Configuration
  /// Whether it is known where plugins are looked for: what is said of them could only mislead otherwise.
  public let arePluginsKnown: Bool
  /// Whether it says nothing at all: it is empty, has comments alone, or keys without values.
  public let isBlank: Bool
  /// Whether somebody had the file open for writing when it was read: then it may be half of what it is to be.
  public internal(set) var isBeingWritten = false
  /// What is wrong with the file itself.
  public let errors: [ConfigurationError]

  /// The configuration, where neither the file nor its options have errors.
  ///
  /// - Parameter optionErrors: what is wrong with the options: see ``Configuration/check(plugins:schemas:)``.
  /// - Throws: all errors at once, in the order of the file.
  public func checked(_ optionErrors: [ConfigurationError]) throws(ConfigurationErrors) -> Configuration {
    let all = errors + (arePluginsKnown ? optionErrors : [])
    guard all.isEmpty else { throw ConfigurationErrors(all) }
    return configuration
  }
}
