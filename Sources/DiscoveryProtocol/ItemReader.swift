import ClusterModel

/// Reads a message's items into the model, and notes what has to be left out.
struct ItemReader {
  /// The most bytes that a text may have; names have up to 253.
  static let maximumTextLength = 512
  /// The most items of one list that are taken.
  static let maximumListCount = 512

  private(set) var skipped: [OpenError] = []

  static func address(
    _ bytes: some Collection<UInt8>, _ what: String
  ) throws(OpenError) -> IPAddress {
    if let address = IPAddress(bytes: bytes) { return address }
    if bytes.count > 16 {
      throw OpenError(.zone, "\(what) has a zone, which means nothing on another machine")
    }
    throw OpenError(.address, "\(what) has \(bytes.count) bytes, not 4 or 16")
  }

  static func prefix(_ message: PlainIPPrefix) throws(OpenError) -> IPPrefix {
    let address = try address(message.ip, "a network's address")
    guard let length = Int(exactly: message.bits), let prefix = IPPrefix(address: address, length: length)
    else { throw OpenError(.prefix, "a network has a length of \(message.bits) bits: \(address)") }
    return prefix
  }

  mutating func list<Item, Result: Hashable>(
    _ items: [Item], _ what: String, _ read: (Item) throws(OpenError) -> Result
  ) -> [Result] {
    var results: [Result] = []
    var seen: Set<Result> = []
    for item in items.prefix(Self.maximumListCount) {
      do throws(OpenError) {
        let result = try read(item)
        if seen.insert(result).inserted { results.append(result) }
      } catch {
        skipped.append(error)
      }
    }
    if items.count > Self.maximumListCount {
      skipped.append(
        OpenError(.count, "it has \(items.count) items of kind \(what), \(Self.maximumListCount) are taken"))
    }
    return results
  }

  mutating func text(_ text: String, _ what: String) -> String {
    guard text.utf8.count <= Self.maximumTextLength else {
      skipped.append(
        OpenError(.text, "\(what) has \(text.utf8.count) bytes, not up to \(Self.maximumTextLength)"))
      return ""
    }
    guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      skipped.append(OpenError(.text, "\(what) has control characters: \(quoted(text))"))
      return ""
    }
    return text
  }

  /// The labels that can be some, as many as a node may have. Of several with one key the last counts.
  mutating func labels(_ messages: [PlainLabel]) -> NodeLabels {
    var values: [String: String] = [:]
    var length = 0
    var further = 0
    for message in messages {
      do throws(ModelError) {
        _ = try NodeLabels([message.key: message.value])
      } catch {
        skipped.append(OpenError(.text, error.message))
        continue
      }
      let before = values[message.key].map { message.key.utf8.count + $0.utf8.count }
      let after = length - (before ?? 0) + message.key.utf8.count + message.value.utf8.count
      guard before != nil || values.count < NodeLabels.maximumCount, after <= NodeLabels.maximumLength else {
        further += 1
        continue
      }
      (values[message.key], length) = (message.value, after)
    }
    if further > 0 {
      skipped.append(
        OpenError(
          .count,
          "it has \(messages.count) labels, \(NodeLabels.maximumCount) of \(NodeLabels.maximumLength) bytes together are taken"
        ))
    }
    return (try? NodeLabels(values)) ?? NodeLabels()
  }

  mutating func machineID(_ bytes: some Collection<UInt8>) -> String {
    if let text = MachineIDText.text(of: bytes) { return text }
    skipped.append(OpenError(.length, "its machine id has \(bytes.count) bytes, not 16"))
    return ""
  }

  mutating func machineType(_ text: String) -> MachineType {
    guard !text.isEmpty else { return .unknown }
    if let type = MachineType(rawValue: text) { return type }
    skipped.append(OpenError(.machineType, "its machine type \(quoted(text)) isn't known"))
    return .unknown
  }

  mutating func kubeSpan(_ message: PlainKubeSpan) -> KubeSpanAffiliate {
    var kubeSpan = KubeSpanAffiliate(publicKey: text(message.publicKey, "its public key"))
    if !message.address.isEmpty {
      do throws(OpenError) {
        kubeSpan.address = try Self.address(message.address, "its KubeSpan address")
      } catch {
        skipped.append(error)
      }
    }
    kubeSpan.additionalAddresses = list(
      message.additionalAddresses, "network"
    ) { item throws(OpenError) in try Self.prefix(item) }
    return kubeSpan
  }

  mutating func controlPlane(_ message: PlainControlPlane) -> ControlPlane? {
    guard let port = UInt16(exactly: message.apiServerPort), port > 0 else {
      skipped.append(OpenError(.port, "its API server has port \(message.apiServerPort)"))
      return nil
    }
    return ControlPlane(apiServerPort: port)
  }
}
