import ClusterModel
import ClusterResources
import Foundation
import Testing

let created = Timestamp(milliseconds: 1_795_403_330_000)
let updated = Timestamp(milliseconds: 1_795_403_390_000)

/// What is in `Golden/<name>`: what users of existing clusters see, taken from their documentation.
func golden(_ name: String) throws -> String {
  let url = try #require(Bundle.module.url(forResource: "Golden", withExtension: nil))
  return try String(contentsOf: url.appendingPathComponent(name), encoding: .utf8)
}

/// The rows of a listing without its header, each as its cells.
func rows(of listing: String) -> [[String]] {
  listing.split(separator: "\n").dropFirst().map { line in
    line.components(separatedBy: "   ").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}

func addresses(in cell: String) throws -> [IPAddress] {
  try JSONDecoder().decode([String].self, from: Data(cell.utf8)).map { try IPAddress($0) }
}

func printed(_ resources: [Resource], _ type: ResourceType, _ format: String) throws -> String {
  var printer = try OutputFormat(format).printer(of: type)
  return try printer.text(of: resources.map { PrintedResource($0) })
}

func member(
  _ name: String, _ id: String = "6EVq8RHIne03LeZiJ60WsJcoQOtttw1ejvTS6SOBzhUA", addresses: [String] = [],
  type: MachineType = .worker, os: String = "Os", port: UInt16? = nil, version: UInt64 = 1
) throws -> Resource {
  let affiliate = Affiliate(
    nodeID: try NodeIdentity(id), addresses: try addresses.map { try IPAddress($0) }, hostname: name,
    nodename: name, operatingSystem: os, machineType: type,
    controlPlane: port.map { ControlPlane(apiServerPort: $0) })
  return .member(
    try #require(Member(affiliate)), version: version, node: "10.5.0.2", created: created, updated: updated)
}

/// An affiliate in which everything is set.
func fullAffiliate() throws -> Affiliate {
  Affiliate(
    nodeID: try NodeIdentity("Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd"),
    addresses: [try IPAddress("172.20.0.2"), try IPAddress("fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94")],
    hostname: "talos-default-controlplane-1", nodename: "talos-default-controlplane-1",
    operatingSystem: "Talos (v1.3.0-alpha.1)", machineType: .controlplane,
    kubeSpan: KubeSpanAffiliate(
      publicKey: "OK1a2b3c4d5e6f7g8h9i0jklmnopqrstuvwxyzABCDE=",
      address: try IPAddress("fd50:8d60:4238:6302:f857:23ff:fe21:d1e0"),
      additionalAddresses: [try IPPrefix("10.244.0.0/32"), try IPPrefix("10.244.0.1/24")],
      excludeAdvertisedNetworks: [try IPPrefix("192.168.0.0/16")],
      endpoints: [
        try IPEndpoint("172.20.0.2:51820"),
        try IPEndpoint("[fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94]:51820"),
      ]),
    controlPlane: ControlPlane(apiServerPort: 6443))
}
