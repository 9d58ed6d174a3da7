import ClusterModel
import Platform

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
