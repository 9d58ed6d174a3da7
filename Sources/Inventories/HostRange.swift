import ClusterModel

/// Host patterns of Ansible: `web-[01:20].example.org`, `db-[a:f]`, `[1:9:2]`, each standing for several names.
enum HostRange {
  /// The names that `pattern` stands for, itself where it has no range. A port behind it is left out.
  ///
  /// - Throws: where a range is none, or there are more than `maximum` names.
  static func expand(_ pattern: String, maximum: Int) throws(ModelError) -> [String] {
    guard pattern.utf8.count <= 1024 else {
      throw ModelError("a host's name has at most 1024 bytes, this one has \(pattern.utf8.count)")
    }
    guard let range = try firstRange(of: pattern) else { return [withoutPort(pattern)] }
    var names: [String] = []
    for item in range.items {
      for rest in try expand(range.after, maximum: maximum) {
        guard names.count < maximum else {
          throw ModelError("\(quoted(pattern)) stands for more than \(maximum - 1) hosts")
        }
        names.append(range.before + item + rest)
      }
    }
    return names
  }

  private static func firstRange(
    of pattern: String
  ) throws(ModelError) -> (before: String, items: [String], after: String)? {
    guard let open = pattern.firstIndex(of: "[") else { return nil }
    guard let close = pattern[open...].firstIndex(of: "]") else {
      throw ModelError("\(quoted(pattern)) has a '[' without ']'")
    }
    let inner = pattern[pattern.index(after: open)..<close]
    // An IPv6 address in brackets.
    if MachineHost.address(inner) != nil { return nil }
    guard let items = items(inner) else {
      throw ModelError("\(quoted(pattern)) has a range that isn't one such as [01:20] or [a:f]")
    }
    return (String(pattern[..<open]), items, String(pattern[pattern.index(after: close)...]))
  }

  private static func items(_ text: Substring) -> [String]? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count) else { return nil }
    let step = parts.count == 3 ? Int(parts[2]) ?? 0 : 1
    let (start, end) = (parts[0].isEmpty ? "0" : parts[0], parts[1])
    guard (1...1_000_000).contains(step) else { return nil }
    if let first = number(start), let last = number(end) {
      guard first <= last, (last - first) / step < 1_000_000 else { return nil }
      // Leading zeros say how wide the numbers are.
      let width = start.hasPrefix("0") ? start.utf8.count : 1
      return stride(from: first, through: last, by: step).map { value in
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
      }
    }
    guard start.utf8.count == 1, end.utf8.count == 1, let first = start.utf8.first, let last = end.utf8.first,
      isLetter(first), isLetter(last), first <= last
    else { return nil }
    return stride(from: Int(first), through: Int(last), by: step).map {
      String(Unicode.Scalar(UInt8($0)))
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

  private static func number(_ text: Substring) -> Int? {
    guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return Int(text)
  }

  /// `web-1` of `web-1:2222`; an IPv6 address has colons of its own.
  private static func withoutPort(_ text: String) -> String {
    if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
      return String(text[text.index(after: text.startIndex)..<close])
    }
    guard let colon = text.firstIndex(of: ":"), colon == text.lastIndex(of: ":"), colon != text.startIndex,
      number(text[text.index(after: colon)...]) != nil
    else { return text }
    return String(text[..<colon])
  }
}
