import ClusterModel

/// The text form of a machine's id as in /etc/machine-id (machine-id(5)).
enum MachineID {
  /// The 32 lower-case hexadecimal digits that `text` means; dashes are taken.
  ///
  /// - Throws: where it is something else. The text isn't shown: machine ids are confidential.
  static func parse(_ text: some StringProtocol) throws(ModelError) -> String {
    let digits = text.lowercased().utf8.filter { $0 != UInt8(ascii: "-") }
    let isID =
      digits.count == 32
      && digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    guard isID else {
      throw ModelError(
        "it isn't the id of a machine as in /etc/machine-id, 32 hexadecimal digits; serial numbers are labels"
      )
    }
    return String(decoding: digits, as: UTF8.self)
  }
}
