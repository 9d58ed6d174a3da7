import AffiliateMerge
import ClusterModel

extension TaggedWriter {
  /// How records are joined by a policy; its precedence stands elsewhere.
  mutating func write(_ policy: MergePolicy) {
    for (name, matching) in policy.matching.sorted(by: { $0.key < $1.key }) {
      write(1) {
        $0.write(1, name)
        $0.write(2) { $0.write(matching) }
      }
    }
    for network in policy.ignoredAddresses.networks { write(2, network.description) }
    write(3, !policy.ignoredAddresses.defaultBridges)
  }

  mutating func write(_ matching: RegistryMatching) {
    for key in matching.keys { write(1, key.description) }
    write(2, matching.alone.rawValue)
  }
}

extension TaggedReader.Field {
  /// Adds what ``TaggedWriter/write(_:)`` wrote of a policy.
  func add(to policy: inout MergePolicy) throws(TaggedReader.Malformed) {
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1:
        var (name, matching) = ("", RegistryMatching())
        var entry = try field.fields()
        while let part = try entry.next() {
          if part.number == 1 { name = try part.text() }
          if part.number == 2 { matching = try part.matching() }
        }
        policy.matching[name] = matching
      case 2: policy.ignoredAddresses.networks.append(try field.network())
      case 3: policy.ignoredAddresses.defaultBridges = !(try field.bool())
      default: break
      }
    }
  }

  func matching() throws(TaggedReader.Malformed) -> RegistryMatching {
    var matching = RegistryMatching()
    var fields = try fields()
    while let field = try fields.next() {
      switch field.number {
      case 1:
        let text = try field.text()
        do throws(ModelError) {
          matching.keys.append(try MatchKey(text))
        } catch {
          throw TaggedReader.Malformed(what: "a match list")
        }
      case 2:
        guard let alone = StandaloneRole(rawValue: try field.text()) else {
          throw TaggedReader.Malformed(what: "what a machine is that nobody else knows")
        }
        matching.alone = alone
      default: break
      }
    }
    return matching
  }

  private func network() throws(TaggedReader.Malformed) -> IPPrefix {
    let text = try text()
    do throws(ModelError) { return try IPPrefix(text) } catch {
      throw TaggedReader.Malformed(what: "a network")
    }
  }
}
