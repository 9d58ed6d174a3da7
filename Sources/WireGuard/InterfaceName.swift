import ClusterModel

/// The name of a network interface, as everything takes it that we give it to: the kernel, a path, nftables.
enum InterfaceName {
  /// - Throws: ``DeviceError`` where `name` is none.
  static func check(_ name: String) throws(DeviceError) {
    let isName =
      (1...15).contains(name.utf8.count) && name != "." && name != ".."
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      }
    guard !isName else { return }
    throw DeviceError(
      .invalid,
      "\(quoted(name)) can't be the name of a network interface: 1 to 15 letters, digits, '-', '_' and '.', such as "
        + "kubespan")
  }
}
