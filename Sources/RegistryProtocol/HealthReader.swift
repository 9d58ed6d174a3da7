import ClusterModel
import Logging
import Platform
import RegistryKit

/// Reads how a program is, and what it logs.
enum HealthReader {
  typealias Failure = JSONLexer.Failure

  /// `{"aspect": "reading", "source": "a", "error": {"code": "unavailable", "message": "…"}}`; without an error the
  /// aspect works.
  static func report(_ values: inout ValueReader) throws(Failure) -> HealthReport? {
    var report = HealthReport(.reading, nil)
    var flat = FlatError()
    let isObject = try values.object("health") { (values, key) throws(Failure) in
      switch key {
      case "aspect":
        report.aspect = try values.text("health.aspect").flatMap(HealthAspect.init(rawValue:)) ?? .reading
      case "source": report.source = try values.source("health.source") ?? .only
      case "error": report.error = try error(&values, "health.error")
      default: if try !flat.read(key, &values) { try values.lexer.skipValue() }
      }
    }
    if report.error == nil { report.error = flat.error(unless: "ok") }
    return isObject ? report : nil
  }

  /// `"why"`, or an object as a report; `null`, `false` and `""` say that reading works.
  static func degraded(_ values: inout ValueReader) throws(Failure) -> HealthReport {
    if values.lexer.current == UInt8(ascii: "{") {
      let report = try self.report(&values) ?? HealthReport(.reading, nil)
      return HealthReport(
        report.aspect, report.error ?? RegistryError(.unavailable, "the program doesn't say why"),
        source: report.source)
    }
    guard let message = try values.message("degraded"), !message.isEmpty, message != "false" else {
      return HealthReport(.reading, nil)
    }
    return HealthReport(
      .reading, RegistryError(.unavailable, message == "true" ? "the program doesn't say why" : message))
  }

  /// An error: `{"code": "unavailable", "message": "…"}`, or a text.
  static func error(_ values: inout ValueReader, _ name: String) throws(Failure) -> RegistryError? {
    guard values.lexer.current == UInt8(ascii: "{") else {
      return try values.message(name).map { RegistryError(.failed, $0) }
    }
    var flat = FlatError()
    try values.object(name) { (values, key) throws(Failure) in
      if try !flat.read(key, &values) { try values.lexer.skipValue() }
    }
    return flat.error(unless: nil) ?? RegistryError(.failed, "the program doesn't say why")
  }

  /// `{"level": "info", "message": "…"}`, or a text.
  static func entry(_ values: inout ValueReader) throws(Failure) -> ProgramLine.Entry? {
    guard values.lexer.current == UInt8(ascii: "{") else {
      return try values.message("log").map { ProgramLine.Entry(level: .info, message: $0) }
    }
    var entry = ProgramLine.Entry(level: .info, message: "")
    try values.object("log") { (values, key) throws(Failure) in
      switch key {
      case "level": entry.level = try values.text("log.level").flatMap(Logger.Level.init(rawValue:)) ?? .info
      case "message": entry.message = try values.message("log.message") ?? ""
      default: try values.lexer.skipValue()
      }
    }
    return entry
  }

  /// A code and a message beside other keys.
  private struct FlatError {
    var code: String?
    var message: String?

    mutating func read(_ key: String, _ values: inout ValueReader) throws(Failure) -> Bool {
      switch key {
      case "code": code = try values.text(key)
      case "message": message = try values.message(key)
      default: return false
      }
      return true
    }

    /// - Parameter fine: the code that says that there is no error.
    func error(unless fine: String?) -> RegistryError? {
      if code == nil && message == nil || code == fine && code != nil { return nil }
      return RegistryError(
        code.map { RegistryError.Code(name: $0) } ?? .unavailable, message ?? "the program doesn't say why")
    }
  }
}

extension RegistryError.Code {
  /// The code called `name`; one that isn't known counts as ``failed``.
  init(name: String) {
    let known: [RegistryError.Code] = [
      .invalidArgument, .limitExceeded, .stopped, .unavailable, .permissionDenied, .unsupported,
      .deadlineExceeded,
    ]
    self = known.first { $0.description == name } ?? .failed
  }
}

/// Reads what a program says that it is.
enum HelloReader {
  static func read(_ values: inout ValueReader) throws(JSONLexer.Failure) -> ProgramDescription {
    var description = ProgramDescription()
    var descriptor = RegistryDescriptor(name: "", version: "", summary: "")
    var prefix: String?
    try values.object("hello") { (values, key) throws(JSONLexer.Failure) in
      switch key {
      case "protocol": description.version = try values.integer("hello.protocol", in: 1...1000) ?? 1
      case "publishes": description.publishes = try values.bool("hello.publishes")
      case "name": descriptor.name = try values.text("hello.name") ?? ""
      case "version": descriptor.version = try values.text("hello.version") ?? ""
      case "prefix": prefix = try values.text("hello.prefix")
      case "summary": descriptor.summary = try values.message("hello.summary") ?? ""
      // Options have no limit but that of a line.
      case "optionsSchema":
        descriptor.optionsSchema =
          try values.text("hello.optionsSchema", limit: ProtocolLimits.lineBytes) ?? ""
      case "leases": descriptor.leases = try values.bool("hello.leases") ?? false
      case "match":
        var keys: [MatchKey] = []
        try values.items("hello.match", limit: 64) { (values, index) throws(JSONLexer.Failure) in
          let key = try values.value("hello.match[\(index)]") { (text) throws(ModelError) in
            try MatchKey(text)
          }
          if let key, !keys.contains(where: { $0.field == key.field }) { keys.append(key) }
        }
        descriptor.matching.keys = keys
      case "alone":
        let alone = try values.text("hello.alone").flatMap(StandaloneRole.init(rawValue:))
        descriptor.matching.alone = alone ?? .member
      case "wantsClusterSecret": descriptor.wantsClusterSecret = try values.bool(key) ?? false
      default: try values.lexer.skipValue()
      }
    }
    descriptor.prefix = prefix ?? descriptor.name
    descriptor.publishes = description.publishes ?? false
    if !descriptor.name.isEmpty { description.plugin = descriptor }
    return description
  }
}
