import KubernetesRegistry
import NodeFixtures

/// The decoder's CPU for each event of a watch.
enum WatchBenchmark {
  static func run(eventCount: Int) {
    let lines = (0..<500).map { index in
      Array(NodeListJSON.event("MODIFIED", NodeFixture(index: index, resourceVersion: index).objectJSON).utf8)
    }
    var decoder = NodeWatchDecoder()
    var seen = 0
    let before = Usage.now
    do throws(NodeDecodeError) {
      for number in 0..<eventCount { seen += try decoder.feed(lines[number % lines.count]).count }
      try decoder.finish()
    } catch {
      print("\(error)")
    }
    let cpu = Usage.now.cpu - before.cpu
    print("NodeWatchDecoder: \(seen) events, \(text(cpu / Double(eventCount) * 1e6)) µs of CPU each")
  }
}
