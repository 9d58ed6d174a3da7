// Measures how Nodes are read. In release:
//
//     KubernetesBenchmark report                    all of it, each figure beside the one that is to be reached
//     KubernetesBenchmark decode [NODES]            the decoder against JSONDecoder; each in a fresh process
//     KubernetesBenchmark events [EVENTS]           the decoder on a watch
//     KubernetesBenchmark sync [NODES]              the registry and the merge against a server of its own
//     KubernetesBenchmark serve NODES               the API server of the tests, until its input ends

let arguments = Array(CommandLine.arguments.dropFirst())
let count = arguments.dropFirst().first.flatMap { Int($0) }

switch arguments.first {
case "report": try ReportBenchmark.run()
case "decode": try DecodeBenchmark.compare(nodeCount: count ?? 5000)
case "decode-alone":
  try DecodeBenchmark.run(arguments[1], nodeCount: arguments.last.flatMap { Int($0) } ?? 5000)
case "events": WatchBenchmark.run(eventCount: count ?? 20_000)
case "sync": try SyncBenchmark.compare(nodeCount: count ?? 5000)
case "sync-alone":
  try await SyncBenchmark.run(url: arguments[1], nodeCount: arguments.last.flatMap { Int($0) } ?? 5000)
case "serve": try ServeCommand.run(nodeCount: count ?? 5000)
default:
  print("usage: KubernetesBenchmark report | decode [NODES] | events [EVENTS] | sync [NODES] | serve NODES")
}
