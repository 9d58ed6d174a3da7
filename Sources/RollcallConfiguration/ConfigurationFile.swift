import Documents

/// Reads configuration files.
public enum ConfigurationFile {
  /// The most bytes that a file may have.
  public static let maximumSize = 1 << 20

  /// The configuration in the file at `path`.
  ///
  /// - Parameters:
  ///   - inProcess: names of registries that the program adds by itself, which `merge.precedence` may
  ///     therefore name.
  ///   - check: finds further errors, of options: see ``Configuration/check(plugins:schemas:)``. It is
  ///     asked also where the file has errors already, about what could be read, so that all are told at
  ///     once; but not where the text is no YAML or `plugins` is wrong, as it could then only mislead.
  /// - Throws: everything that is wrong with the file, at once.
  public static func load(
    _ path: String, inProcess: [String] = [], check: (Configuration) -> [ConfigurationError] = { _ in [] }
  ) throws(ConfigurationErrors) -> Configuration {
    let bytes: [UInt8]
    do {
      bytes = try BoundedFile.read(path, limit: maximumSize).bytes
    } catch {
      throw ConfigurationErrors([
        ConfigurationError(file: path, message: "the configuration can't be read: \(error.message)")
      ])
    }
    return try parse(bytes, file: path, inProcess: inProcess, check: check)
  }

  /// The configuration in `text`, which is that of the file `file`: as ``load(_:inProcess:check:)``. The
  /// file that `cluster.secretFile` names is read.
  public static func parse(
    _ text: some Collection<UInt8>, file: String, inProcess: [String] = [],
    check: (Configuration) -> [ConfigurationError] = { _ in [] }
  ) throws(ConfigurationErrors) -> Configuration {
    let diagnostics = Diagnostics(file: file)
    let stream: YAMLStream
    do {
      stream = try YAML.parse(text, file: file, limits: limits)
    } catch {
      throw ConfigurationErrors([ConfigurationError(error)])
    }
    diagnostics.add(stream.duplicateKeys.map(ConfigurationError.init))
    if stream.documents.count > 1 {
      diagnostics.error(
        stream.documents[1].mark,
        "the file has \(stream.documents.count) documents; write one, without '---' after the first line")
    }
    let reader = ConfigurationReader(diagnostics: diagnostics, inProcess: inProcess)
    let (configuration, arePluginsKnown) = reader.read(stream.documents.first)
    if arePluginsKnown { diagnostics.add(check(configuration)) }
    guard diagnostics.errors.isEmpty else { throw ConfigurationErrors(diagnostics.errors) }
    return configuration
  }

  private static let limits = YAMLLimits(size: maximumSize, depth: 32, nodes: 100_000, aliasedNodes: 10_000)
}
