import ClusterModel
import Documents

/// Names of machines.
enum HostName {
  /// `text`, if it is one.
  static func check(_ text: String) throws(ModelError) -> String {
    let isName = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39: true
      default: ".-_".utf8.contains(byte)
      }
    }
    guard isName, text.utf8.count <= 253 else {
      throw ModelError("\(quoted(text)) isn't a host name: at most 253 of letters, digits, '.', '-' and '_'")
    }
    return text
  }
}

extension Configuration {
  /// The variable of the environment that says the nodename where the file doesn't: so machines that share one file
  /// can each have their own.
  public static let nodenameVariable = "ROLLCALL_NODENAME"

  /// Takes the nodename that the file leaves open from what ``nodenameVariable`` holds; nothing where that is nil or
  /// empty.
  ///
  /// - Throws: where `value` isn't a host name; the variable is named in place of the file.
  public mutating func takeNodename(_ value: String?) throws(ConfigurationErrors) {
    guard node.nodename == nil, let value, !value.isEmpty else { return }
    do throws(ModelError) {
      node.nodename = try HostName.check(value)
    } catch {
      throw ConfigurationErrors([ConfigurationError(file: Self.nodenameVariable, message: error.description)])
    }
  }
}
