import ClusterModel
import KubeSpan
import Sealing
import Testing

@Suite("A cluster's KubeSpan network")
struct UniqueLocalNetworkTests {
  private struct Case: Decodable {
    let clusterId, mac, expectedSubnet, expectedAddress: String
    let expectedError: Bool
  }

  @Test("and the addresses in it are those that existing nodes compute")
  func vectorsPass() throws {
    let cases = try vectors("ula-eui64", as: Case.self)
    #expect(cases.count == 14)
    for item in cases {
      let network = try UniqueLocalNetwork(clusterID: item.clusterId, digest: SealedBlob.digest)
      #expect(network.prefix.description == item.expectedSubnet)
      if item.expectedError {
        #expect(throws: ModelError.self) { try HardwareAddress(item.mac) }
      } else {
        let address = network.address(of: try HardwareAddress(item.mac))
        #expect(IPPrefix(host: address).description == item.expectedAddress)
      }
    }
  }

  @Test("can't be had without a digest of 32 bytes")
  func noDigest() {
    #expect(throws: ModelError.self) { try UniqueLocalNetwork(clusterID: "a") { _ in nil } }
    #expect(throws: ModelError.self) { try UniqueLocalNetwork(clusterID: "a") { _ in [1, 2, 3] } }
  }

  @Test("is told from those for other purposes")
  func purposes() throws {
    let address = try IPAddress("fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94")
    #expect(address.isUniqueLocal(for: .kubeSpan))
    #expect(!address.isUniqueLocal(for: .sideroLink))
    let other = try UniqueLocalNetwork(clusterID: "a", purpose: .sideroLink, digest: SealedBlob.digest)
    #expect(other.prefix.address.isUniqueLocal(for: .sideroLink))
    #expect(!(try IPAddress("10.0.0.2")).isUniqueLocal(for: .kubeSpan))
  }

  @Test(
    "a hardware address is six bytes between colons or dashes, or three groups between dots",
    arguments: [
      "", "2e:1a:b6:53:81", "2e:1a:b6:53:81:69:00", "2e:1a-b6:53:81:69", "2e1a.b653", "2e:1a:b6:53:81:6g",
      "2e1ab6538169", "2:e1:ab:65:38:169", "2e:1a:b6:53:81:+9",
    ])
  func badHardwareAddress(text: String) {
    #expect(throws: ModelError.self) { try HardwareAddress(text) }
  }

  @Test("a hardware address is written in lower case between colons")
  func written() throws {
    #expect(try HardwareAddress("2E-1A-B6-53-81-09").description == "2e:1a:b6:53:81:09")
    #expect(HardwareAddress(bytes: [0, 1, 2, 3, 4, 255])?.description == "00:01:02:03:04:ff")
    #expect(HardwareAddress(bytes: [0, 1]) == nil)
  }
}
