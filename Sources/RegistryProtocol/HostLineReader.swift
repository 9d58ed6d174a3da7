import ClusterModel
import Logging
import Platform
package import RegistryKit

/// Reads what the host says: for programs that speak the protocol with this code.
package enum HostLineReader {
  typealias Failure = JSONLexer.Failure

  /// What `line` says.
  ///
  /// - Throws: where it isn't one JSON object, or something of it is wrong: a host makes no mistakes.
  package static func read(_ line: [UInt8]) throws(RegistryError) -> HostLine {
    try LineText.check(line)
    var result = HostLine.other
    var values = ValueReader(line)
    values.allowsControls = true
    do throws(Failure) {
      values.lexer.skipBlanks()
      try values.object("a line") { (values, key) throws(Failure) in
        switch key {
        case "settings": result = .settings(try settings(&values, line))
        case "publish": result = .publish(try publication(&values))
        default: try values.lexer.skipValue()
        }
      }
    } catch {
      throw LineText.error(error, in: line)
    }
    if let problem = values.problems.first { throw RegistryError(.invalidArgument, problem) }
    return result
  }

  private static func settings(
    _ values: inout ValueReader, _ line: [UInt8]
  ) throws(Failure) -> ProgramSettings {
    var settings = ProgramSettings()
    try values.object("settings") { (values, key) throws(Failure) in
      switch key {
      case "protocol": settings.version = try values.integer(key, in: 1...1000) ?? 1
      case "name": settings.name = try values.text(key) ?? ""
      case "options":
        let start = values.lexer.offset
        try values.lexer.skipValue()
        settings.options = String(decoding: line[start..<values.lexer.offset], as: UTF8.self)
      case "host":
        try values.object(key) { (values, key) throws(Failure) in
          switch key {
          case "name": settings.host.name = try values.text(key) ?? ""
          case "version": settings.host.version = try values.text(key) ?? ""
          default: try values.lexer.skipValue()
          }
        }
      case "nodeId":
        settings.localNodeID = try values.value(key) { (text) throws(ModelError) in try NodeIdentity(text) }
      case "clusterId": settings.clusterID = try values.text(key)
      case "clusterSecret": settings.clusterSecret = try values.text(key)
      case "stateDirectory": settings.stateDirectory = try values.text(key) ?? ""
      case "baseDirectory": settings.baseDirectory = try values.text(key) ?? ""
      case "staleAfterMilliseconds": settings.staleAfter = try duration(key, &values) ?? .zero
      case "logLevel": settings.logLevel = try values.text(key).flatMap(Logger.Level.init(rawValue:)) ?? .info
      case "stopTimeoutMilliseconds": settings.stopTimeout = try duration(key, &values) ?? .seconds(2)
      default: try values.lexer.skipValue()
      }
    }
    return settings
  }

  private static func duration(_ key: String, _ values: inout ValueReader) throws(Failure) -> Duration? {
    try values.integer(key, in: 0...Int64(1e15)).map { .milliseconds($0) }
  }

  private static func publication(_ values: inout ValueReader) throws(Failure) -> DesiredPublication {
    var desired = DesiredPublication(revision: 0, publication: nil)
    var seen: [NodeIdentity: [IPEndpoint]] = [:]
    try values.object("publish") { (values, key) throws(Failure) in
      switch key {
      case "revision": desired.revision = try values.integer(key, in: 0...UInt64.max) ?? 0
      case "node":
        guard try !values.takeNull() else { return }
        let record = try RecordReader(writer: .plugin).read(&values, in: "node", at: 0)
        desired.publication = record.map {
          Publication(local: $0.affiliate, labels: $0.labels, machineID: $0.machineID)
        }
      case "seenEndpoints":
        try values.object(key) { (values, key) throws(Failure) in
          guard let id = try? NodeIdentity(key) else { return try values.lexer.skipValue() }
          var endpoints: [IPEndpoint] = []
          try values.items("seenEndpoints") { (values, _) throws(Failure) in
            let endpoint = try values.value("endpoint") { (text) throws(ModelError) in try IPEndpoint(text) }
            if let endpoint { endpoints.append(endpoint) }
          }
          seen[id] = endpoints
        }
      default: try values.lexer.skipValue()
      }
    }
    desired.publication?.seenEndpoints = seen
    return desired
  }
}
