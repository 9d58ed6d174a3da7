import Documents
import Logging
import Platform
import RegistryKit
public import Rollcall
import Synchronization

extension Configuration {
  /// What is wrong with the files that the options of registries name: those of the format `path` that can't be read,
  /// and what a registry with options of the format `data-path` reports of its files, which is run until it has read
  /// them. Of disabled registries too.
  ///
  /// - Parameters:
  ///   - plugins: where the plugins come from. Those that aren't there are left out.
  ///   - known: names of registries of which it is known already that they can't be made; they are left out.
  ///   - timeout: how long a registry may take to read its files.
  /// - Returns: errors of registries that are enabled, warnings of others; each at the place in the file that it is
  ///   about, where the registry names one, else at that of the option or of the registry's name.
  public func dataProblems(
    plugins: any PluginSource, but known: Set<String> = [], timeout: Duration = .seconds(10)
  ) async -> (errors: [ConfigurationError], warnings: [ConfigurationError]) {
    var (errors, warnings): ([ConfigurationError], [ConfigurationError]) = ([], [])
    for registry in cluster.discovery.registries where !known.contains(registry.name) {
      guard let written = registry.written, !written.isExempt,
        let plugin = try? await registry.source(plugins).plugin(
          named: registry.plugin, settings: self.plugins),
        let schema = try? OptionsSchema(json: plugin.descriptor.optionsSchema)
      else { continue }
      let files = schema.root.paths(in: JSONValue(written.options))
      var problems = files.compactMap { isUnreadable($0, of: registry, written) }
      if files.contains(where: { $0.format == SchemaNode.dataPathFormat }) {
        problems += await contentProblems(of: registry, written, plugins, timeout: timeout)
      }
      if cluster.discovery.isEnabled, registry.disabled == nil {
        errors += problems
      } else {
        warnings += problems.map { $0.ofDisabled(registry.name) }
      }
    }
    return (errors.sorted(), warnings.sorted())
  }

  /// The most bytes that a file may have of which nothing but whether it can be read is of interest.
  private static let maximumFileSize = 64 << 20

  private func isUnreadable(
    _ option: WrittenPath, of registry: RegistrySettings, _ written: WrittenRegistry
  ) -> ConfigurationError? {
    guard option.format == SchemaNode.pathFormat else { return nil }
    do throws(FileError) {
      let path = FilePaths.resolve(option.path, base: baseDirectory)
      _ = try BoundedFile.read(path, limit: Self.maximumFileSize)
      return nil
    } catch {
      let name = OptionProblem.name(of: option.steps, in: "cluster.discovery.registries.\(registry.name)")
      return ConfigurationError(
        file: written.file, mark: written.options.marks(at: option.steps).value, message: "\(name): \(error)")
    }
  }

  // MARK: Content

  /// What the registry reports once it has read its files.
  private func contentProblems(
    of registry: RegistrySettings, _ written: WrittenRegistry, _ plugins: any PluginSource, timeout: Duration
  ) async -> [ConfigurationError] {
    func problem(_ message: String) -> ConfigurationError {
      ConfigurationError(
        file: written.file, mark: written.nameMark, message: "the registry '\(registry.name)': \(message)")
    }
    let warnings = LoggedWarnings()
    let messages: [String]
    do {
      let status = try await look(at: registry, plugins, timeout: timeout, warnings)
      messages =
        status.problems.compactMap { $0.error?.message }
        + (status.problems.isEmpty ? [status.error?.message].compactMap(\.self) : [])
    } catch {
      return [problem("it hasn't read its files within \(DurationText.text(of: timeout))")]
    }
    return messages.flatMap { warnings.parts(of: $0) }.map { part in
      ConfigurationError(placedIn: part, base: baseDirectory) ?? problem(part)
    }
  }

  /// Runs the registry alone, as one that only looks, until it has read what it reads or has said why it can't.
  private func look(
    at registry: RegistrySettings, _ plugins: any PluginSource, timeout: Duration, _ warnings: LoggedWarnings
  ) async throws -> RegistryStatus {
    var alone = self
    var settings = registry
    settings.disabled = nil
    alone.cluster.discovery = DiscoverySettings(registries: [settings])
    alone.merge.precedence = []
    // It leaves nothing behind.
    alone.stateDirectory = nil
    var options = AggregatorOptions()
    options.publishes = false
    options.stopTimeout = .seconds(1)
    let aggregator = try await Aggregator(
      configuration: alone, plugins: plugins, options: options,
      logger: Logger(label: "rollcall") { _ in WarningLogHandler(warnings: warnings) })
    return try await withThrowingTaskGroup(of: RegistryStatus?.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        try await aggregator.run()
        return nil
      }
      group.addTask {
        try await aggregator.waitUntilSettled(timeout: timeout)
        return aggregator.snapshot().registry(registry.name)
      }
      while let status = try await group.next() { if let status { return status } }
      throw CancellationError()
    }
  }
}

/// A path that is written in options.
private struct WrittenPath {
  /// The way to it.
  let steps: [OptionProblem.Step]
  let path: String
  let format: String
}

extension SchemaNode {
  /// The paths in `value`, in its order.
  fileprivate func paths(in value: JSONValue, at steps: [OptionProblem.Step] = []) -> [WrittenPath] {
    switch value {
    case .text(let text):
      guard let formatName, [Self.pathFormat, Self.dataPathFormat].contains(formatName) else { return [] }
      return [WrittenPath(steps: steps, path: text, format: formatName)]
    case .list(let items):
      return items.enumerated().flatMap { index, item in
        itemSchema?.paths(in: item, at: steps + [.index(index)]) ?? []
      }
    case .object(let members):
      return members.flatMap { member in
        schema(of: member.key)?.paths(in: member.value, at: steps + [.key(member.key)]) ?? []
      }
    case .null, .bool, .number: return []
    }
  }
}

extension ConfigurationError {
  /// What `text` says of a place in a file, where it is written `members.yaml:3:5: …`.
  ///
  /// - Parameter base: what a relative path in it is relative to.
  fileprivate init?(placedIn text: String, base: String) {
    guard let match = text.wholeMatch(of: /([^:]+):([0-9]{1,9}):([0-9]{1,9}): (.+)/),
      let line = Int(match.2), let column = Int(match.3)
    else { return nil }
    self.init(
      file: FilePaths.resolve(String(match.1), base: base), mark: YAMLMark(line: line, column: column),
      message: String(match.4))
  }
}

/// What a registry warned of: each thing alone, where its report has all of them in one line.
private final class LoggedWarnings: Sendable {
  /// The most that are kept.
  private static let maximumCount = 1000
  private let texts = Mutex<[String]>([])

  func add(_ text: String) {
    texts.withLock { if $0.count < Self.maximumCount { $0.append(text) } }
  }

  /// The things that `message` says, each as it was logged: those of them that begin it, then the rest. Where none was
  /// logged alone, the message.
  func parts(of message: String) -> [String] {
    let texts = texts.withLock { $0 }
    var parts: [String] = []
    var rest = Substring(message)
    while let next = texts.filter({ rest.hasPrefix($0) }).max(by: { $0.utf8.count < $1.utf8.count }) {
      let after = rest.dropFirst(next.count)
      guard after.isEmpty || after.hasPrefix("; ") else { break }
      parts.append(next)
      rest = after.dropFirst(2)
    }
    return rest.isEmpty ? parts : parts + [String(rest)]
  }
}

private struct WarningLogHandler: LogHandler {
  let warnings: LoggedWarnings
  var logLevel = Logger.Level.warning
  var metadata: Logger.Metadata = [:]

  init(warnings: LoggedWarnings) { self.warnings = warnings }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { if event.level >= .warning { warnings.add("\(event.message)") } }
}
