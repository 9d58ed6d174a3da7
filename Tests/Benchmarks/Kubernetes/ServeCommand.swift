import Foundation
import NodeFixtures

/// Serves Nodes to another process.
enum ServeCommand {
  /// Prints the address; ends when the standard input does.
  static func run(nodeCount: Int) throws {
    let server = try NodeFixtureServer(nodeCount: nodeCount)
    print(server.url)
    fflush(nil)
    while readLine() != nil {}
    server.stop()
  }
}
