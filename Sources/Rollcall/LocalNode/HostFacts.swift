import Glibc
import Platform

/// What the kernel calls this machine, and what it is.
enum HostFacts {
  /// The machine's name for itself, as the kernel has it; empty where it has none.
  static func hostname() -> String { uname(\.nodename) }

  /// The operating system for people: what os-release says, else the kernel's name and release.
  ///
  /// - Parameter paths: where os-release is looked for, in this order.
  static func operatingSystem(paths: [String] = ["/etc/os-release", "/usr/lib/os-release"]) -> String {
    for path in paths {
      if let text = try? BoundedFile.text(path, limit: 65_536), let name = OSRelease.prettyName(text) {
        return name
      }
    }
    return "\(uname(\.sysname)) \(uname(\.release))"
  }

  /// The machine's id; empty where it has none.
  static func machineID(path: String = "/etc/machine-id") -> String {
    guard let text = try? BoundedFile.text(path, limit: 4096) else { return "" }
    return text.lines.first.map(String.init) ?? ""
  }

  private static func uname<Field>(_ field: KeyPath<utsname, Field>) -> String {
    var names = utsname()
    guard Glibc.uname(&names) == 0 else { return "" }
    return withUnsafeBytes(of: names[keyPath: field]) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

/// The format of os-release, by its manual page: lines of `NAME=value`, values as a shell reads them.
enum OSRelease {
  /// The operating system's name for people, with its version: PRETTY_NAME, else NAME; nil for neither.
  static func prettyName(_ text: String) -> String? {
    var name: String?
    for line in text.lines {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let value = value(parts[1]), !value.isEmpty else { continue }
      if parts[0] == "PRETTY_NAME" { return value }
      if parts[0] == "NAME" { name = value }
    }
    return name
  }

  /// What a shell would assign, nil where the quotes don't match.
  private static func value(_ text: Substring) -> String? {
    var value = ""
    var quote: Character?
    var isEscaped = false
    for character in text {
      if isEscaped {
        // Within double quotes a backslash is only special before what it has to protect.
        if quote == "\"", !"\"\\$`".contains(character) { value.append("\\") }
        value.append(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if character == quote {
        quote = nil
      } else if quote == nil, character == "\"" || character == "'" {
        quote = character
      } else if quote == nil, character.isWhitespace {
        break
      } else {
        value.append(character)
      }
    }
    return quote == nil && !isEscaped ? value : nil
  }
}
