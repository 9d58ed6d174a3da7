public import ClusterModel
import SwiftProtobuf

extension PlainAffiliate {
  /// The message that tells others of `affiliate`.
  ///
  /// - Parameters:
  ///   - labels: the node's, for Rollcall; other programs skip them.
  ///   - machineID: 32 hexadecimal digits, for Rollcall; anything else is left out.
  public init(_ affiliate: Affiliate, labels: NodeLabels = NodeLabels(), machineID: String = "") {
    self.init()
    self.labels = labels.map { label in
      .with { (message: inout PlainLabel) in (message.key, message.value) = (label.key, label.value) }
    }
    if let bytes = MachineIDText.bytes(of: machineID) { self.machineID = .init(bytes) }
    nodeID = affiliate.nodeID.text
    addresses = affiliate.addresses.map { .init($0.bytes) }
    hostname = affiliate.hostname
    nodename = affiliate.nodename
    machineType = affiliate.machineType.rawValue
    operatingSystem = affiliate.operatingSystem
    // Endpoints go beside the message: where there is no more, there is nothing to say here.
    if let kubeSpan = affiliate.kubeSpan.map(PlainKubeSpan.init), kubeSpan != PlainKubeSpan() {
      kubespan = kubeSpan
    }
    if let controlPlane = affiliate.controlPlane {
      self.controlPlane = .with { $0.apiServerPort = UInt32(controlPlane.apiServerPort) }
    }
  }
}

extension PlainKubeSpan {
  init(_ kubeSpan: KubeSpanAffiliate) {
    self.init()
    publicKey = kubeSpan.publicKey
    if let address = kubeSpan.address { self.address = .init(address.bytes) }
    additionalAddresses = kubeSpan.additionalAddresses.map { prefix in
      .with {
        $0.ip = .init(prefix.address.bytes)
        $0.bits = UInt32(prefix.length)
      }
    }
  }
}
