package import RegistryKit

/// Writes what the host says, a line at a time, each with its end.
package enum HostLineWriter {
  package static func settings(_ settings: ProgramSettings) -> [UInt8] {
    line("settings") { writer in
      writer.number("protocol", settings.version)
      writer.text("name", settings.name)
      writer.raw("options", settings.options)
      writer.key("host")
      writer.beginObject()
      writer.text("name", settings.host.name)
      writer.text("version", settings.host.version)
      writer.endObject()
      writer.text("nodeId", settings.localNodeID?.text ?? "")
      writer.text("clusterId", settings.clusterID ?? "")
      writer.text("clusterSecret", settings.clusterSecret ?? "")
      writer.text("stateDirectory", settings.stateDirectory)
      writer.text("baseDirectory", settings.baseDirectory)
      writer.number("staleAfterMilliseconds", settings.staleAfter.wholeMilliseconds)
      writer.number("stopTimeoutMilliseconds", settings.stopTimeout.wholeMilliseconds)
      writer.text("logLevel", settings.logLevel.rawValue)
    }
  }

  package static func publish(_ desired: DesiredPublication) -> [UInt8] {
    line("publish") { writer in
      writer.number("revision", desired.revision)
      guard let publication = desired.publication else { return writer.null("node") }
      writer.key("node")
      RecordWriter.write(publication.localRecord, &writer)
      guard !publication.seenEndpoints.isEmpty else { return }
      writer.key("seenEndpoints")
      writer.beginObject()
      // In a fixed order, so that the same publication looks the same each time.
      for (nodeID, endpoints) in publication.seenEndpoints.sorted(by: { $0.key < $1.key }) {
        writer.key(nodeID.text)
        writer.beginList()
        for endpoint in endpoints { writer.endpoint(endpoint) }
        writer.endList()
      }
      writer.endObject()
    }
  }

  private static func line(_ key: StaticString, _ body: (inout LineWriter) -> Void) -> [UInt8] {
    var writer = LineWriter()
    writer.beginObject()
    writer.key(key)
    writer.beginObject()
    body(&writer)
    writer.endObject()
    writer.endObject()
    writer.endLine()
    return writer.bytes
  }
}

extension Duration {
  fileprivate var wholeMilliseconds: Int64 {
    let ratio: Double = self / .milliseconds(1)
    return Int64(min(max(0, ratio.rounded()), 1e15))
  }
}
