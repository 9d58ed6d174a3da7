import ClusterModel
import RegistryKit
import Rollcall

let rack = PollingRegistry(every: .seconds(10)) {
  [Affiliate(nodeID: try NodeIdentity("rack-1"), addresses: [try IPAddress("10.5.0.2")], nodename: "rack-1")]
}
let aggregator = try Aggregator(registries: [RegistryDefinition(name: "rack", registry: rack)])
async let _ = aggregator.run()
for await cluster in aggregator.snapshots() { print(cluster.members.map(\.value.id)) }
