import ClusterModel
import ClusterResources
import Documents
import Lifecycle
import Outputs
import Platform
import Rollcall

/// Reads `outputs` and `hooks`.
struct OutputsReader {
  let base: String
  let diagnostics: Diagnostics

  func outputs(_ section: FieldReader) -> [OutputDefinition] {
    var outputs: [OutputDefinition] = []
    var paths: [String: String] = [:]
    for pair in section.pairs where isNamed(pair, section) {
      let fields = section.section(pair.key, keys: ConfigurationKeys.output)
      guard let output = output(pair.key, fields) else { continue }
      if let other = paths.updateValue(output.name, forKey: output.path) {
        fields.error("path", "output '\(other)' writes that file as well; each needs one of its own")
      }
      outputs.append(output)
    }
    return outputs
  }

  func hooks(_ section: FieldReader) -> [HookDefinition] {
    section.pairs.filter { isNamed($0, section) }.compactMap { pair in
      hook(pair.key, section.section(pair.key, keys: ConfigurationKeys.hook))
    }
  }

  private func isNamed(_ pair: YAMLPair, _ section: FieldReader) -> Bool {
    if RegistryName.isWellFormed(pair.key) { return true }
    diagnostics.error(pair.keyMark, "\(section.path): \(quoted(pair.key)) isn't a name: \(RegistryName.rule)")
    return false
  }

  // MARK: Outputs

  private func output(_ name: String, _ section: FieldReader) -> OutputDefinition? {
    require("format", "one of \(Self.list(ExportFormat.allCases.map(\.rawValue)))", in: section)
    require("path", "the file that is kept", in: section)
    let format = section.value("format") { (text) throws(ModelError) in try Self.format(text) }
    let path = section.path("path", base: base)
    if path?.utf8.last == UInt8(ascii: "/") {
      section.error("path", "it is a folder; write the path of a file")
    }
    let mode = section.value("mode") { (text) throws(ModelError) in try Self.mode(text) }
    let options = options(section, format)
    let selector = section.value("selector", maximum: LabelSelector.maximumLength) {
      (text) throws(ModelError) in
      do throws(ResourceError) { return try LabelSelector(text) } catch { throw ModelError("\(error)") }
    }
    let maxShrink = section.value("maxShrink") { (text) throws(ModelError) in try Self.share(text) }
    let command = command(section)
    let debounce = section.duration("debounce", in: .zero...OutputDefinition.longestDebounce)
    let timeout = timeout(section)
    if command == nil, section.value("timeout") != nil {
      section.error("timeout", "there is no command that it could be of")
    }
    let allowEmpty = section.bool("allowEmpty")
    guard let format, let path else { return nil }
    return OutputDefinition(
      name: name, format: format, options: options, selector: selector, path: path, mode: mode,
      command: command ?? [], debounce: debounce ?? OutputDefinition.defaultDebounce,
      timeout: timeout ?? OutputDefinition.defaultTimeout,
      maxShrink: maxShrink ?? OutputDefinition.defaultMaxShrink, allowEmpty: allowEmpty ?? false)
  }

  private func options(_ section: FieldReader, _ format: ExportFormat?) -> ExportOptions {
    let uses: [(key: String, formats: [ExportFormat])] = [
      ("port", [.ansible, .sshConfig, .prometheus]), ("labels", [.ansible, .prometheus]),
    ]
    for (key, formats) in uses {
      guard let format, !formats.contains(format), section.value(key) != nil else { continue }
      section.error(key, "format \(format.rawValue) has none; \(Self.list(formats.map(\.rawValue))) have")
    }
    let family = section.value("family") { (text) throws(ModelError) -> IPAddress.Family in
      switch text {
      case "ipv4": return .v4
      case "ipv6": return .v6
      default: throw ModelError("\(quoted(text)) isn't ipv4 or ipv6")
      }
    }
    let networks = section.list("networks", of: "prefixes") { (text) throws(ModelError) in try IPPrefix(text)
    }
    let labels = section.list("labels", of: "labels") { (text) throws(ModelError) in
      if format == .prometheus, text.hasPrefix("__") {
        throw ModelError("\(quoted(text)) would be a label that Prometheus keeps for itself")
      }
      return text
    }
    return ExportOptions(
      port: section.port("port"), family: family, networks: networks ?? [], labels: labels ?? [],
      states: states("status", section).map { Set($0.map(\.rawValue)) })
  }

  // MARK: Hooks

  private func hook(_ name: String, _ section: FieldReader) -> HookDefinition? {
    require("command", "a list of the program and its arguments", in: section)
    let kinds = section.list("on", of: "kinds") { (text) throws(ModelError) in
      guard let kind = HistoryEntry.Kind(rawValue: text), HookDefinition.possibleKinds.contains(kind) else {
        let known = HookDefinition.possibleKinds.map(\.rawValue)
        throw ModelError(
          "\(quoted(text)) isn't one of \(Self.list(known))" + Self.advice(text, among: known))
      }
      return kind
    }
    let states = states("to", section)
    if states != nil, let kinds, !kinds.contains(.member), section.value("on")?.items?.count == kinds.count {
      section.error("to", "it is of members alone, and on has no member")
    }
    let timeout = timeout(section)
    guard let command = command(section) else { return nil }
    return HookDefinition(
      name: name, command: command, kinds: kinds.map { Set($0) } ?? Set(HookDefinition.possibleKinds),
      states: states.map { Set($0) }, timeout: timeout ?? OutputDefinition.defaultTimeout)
  }

  // MARK: Steps

  private func require(_ key: String, _ what: String, in section: FieldReader) {
    // A mapping that is something else has been reported.
    guard section.node != nil || section.isMissing, section.pair(key) == nil else { return }
    section.error(section.mark, "\(section.path) has no \(key): \(what)")
  }

  private func command(_ section: FieldReader) -> [String]? {
    guard let command = section.list("command", of: "texts: the program and its arguments", { $0 }) else {
      return nil
    }
    guard let program = command.first else {
      section.error("command", "it is empty; write the program and its arguments")
      return nil
    }
    // A name alone is looked for in PATH.
    let path = program.utf8.contains(UInt8(ascii: "/")) ? FilePaths.resolve(program, base: base) : program
    return [path] + command.dropFirst()
  }

  private func timeout(_ section: FieldReader) -> Duration? {
    section.duration("timeout", in: .milliseconds(100)...(.seconds(3600)))
  }

  private func states(_ key: String, _ section: FieldReader) -> [NodeState]? {
    let states = section.list(key, of: "states") { (text) throws(ModelError) in
      guard let state = NodeState(rawValue: text) else {
        let known = NodeState.allCases.map(\.rawValue)
        throw ModelError(
          "\(quoted(text)) isn't a state: \(Self.list(known))" + Self.advice(text, among: known))
      }
      return state
    }
    if states?.isEmpty == true, section.value(key)?.items?.isEmpty == true {
      section.error(key, "it is empty; leave it out for the default, or name states")
    }
    return states
  }

  private static func format(_ text: String) throws(ModelError) -> ExportFormat {
    if let format = ExportFormat(rawValue: text) { return format }
    let known = ExportFormat.allCases.map(\.rawValue)
    throw ModelError("\(quoted(text)) isn't a format: \(list(known))" + advice(text, among: known))
  }

  private static func mode(_ text: String) throws(ModelError) -> UInt32 {
    guard (3...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x37).contains($0) }),
      let mode = UInt32(text, radix: 8), mode <= 0o777, mode & 0o400 != 0
    else {
      throw ModelError(
        "\(quoted(text)) isn't a mode such as \"0644\": at most 0777, and readable by its owner")
    }
    return mode
  }

  private static func share(_ text: String) throws(ModelError) -> Double {
    guard text.utf8.last == UInt8(ascii: "%"), let percent = Int(text.dropLast()),
      (0...100).contains(percent),
      text.utf8.first.map({ (0x30...0x39).contains($0) }) == true
    else { throw ModelError("\(quoted(text)) isn't a share such as 50%, from 0% to 100%") }
    return Double(percent) / 100
  }

  private static func list(_ words: [String]) -> String { words.joined(separator: ", ") }

  private static func advice(_ text: String, among known: [String]) -> String {
    didYouMean(text, among: known).map { "; \($0)" } ?? ""
  }
}

// MARK: Effective configuration

extension OutputDefinition {
  /// The output as it could be written, defaults filled in.
  var node: YAMLNode {
    var pairs: [(key: String, value: YAMLNode)] = [("format", .text(format.rawValue)), ("path", .text(path))]
    if let mode { pairs.append(("mode", .text("0" + String(mode, radix: 8)))) }
    if !command.isEmpty {
      pairs.append(("command", .texts(command)))
      pairs.append(("timeout", .text(DurationText.text(of: timeout))))
    }
    pairs.append(("debounce", .text(DurationText.text(of: debounce))))
    if let selector { pairs.append(("selector", .text(selector.text))) }
    if let states = options.states { pairs.append(("status", .texts(states.sorted()))) }
    if let port = options.port { pairs.append(("port", .integer(port))) }
    if let family = options.family { pairs.append(("family", .text(family == .v4 ? "ipv4" : "ipv6"))) }
    if !options.networks.isEmpty { pairs.append(("networks", .texts(options.networks))) }
    if !options.labels.isEmpty { pairs.append(("labels", .texts(options.labels))) }
    pairs.append(("maxShrink", .text("\(Int((maxShrink * 100).rounded()))%")))
    pairs.append(("allowEmpty", .bool(allowEmpty)))
    return .mapping(pairs)
  }
}

extension HookDefinition {
  /// The hook as it could be written, defaults filled in.
  var node: YAMLNode {
    var pairs: [(key: String, value: YAMLNode)] = [
      ("command", .texts(command)),
      ("on", .texts(Self.possibleKinds.filter(kinds.contains).map(\.rawValue))),
    ]
    if let states { pairs.append(("to", .texts(NodeState.allCases.filter(states.contains).map(\.rawValue)))) }
    pairs.append(("timeout", .text(DurationText.text(of: timeout))))
    return .mapping(pairs)
  }
}
