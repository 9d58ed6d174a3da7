import RegistryKit

/// A registry that is there without being named in the file, and what it does unless the file says otherwise.
///
/// - `service` runs by default where the cluster's id and secret are set, as it can't without them. Where the
///   file names it, it runs unless it is disabled.
/// - `kubernetes` runs only where the file says `disabled: false`.
struct ImpliedRegistry {
  let name: String
  /// What `disabled` is where nobody wrote it.
  let isDisabled: Bool
  /// Whether it is disabled, where the file doesn't name it, without the cluster's id and secret.
  let needsCluster: Bool

  static let all = [
    ImpliedRegistry(name: "service", isDisabled: false, needsCluster: true),
    ImpliedRegistry(name: "kubernetes", isDisabled: true, needsCluster: false),
  ]
}

/// Why a registry isn't run, for people.
enum DisabledReason {
  static let configured = "disabled is true"
  static let byDefault = "disabled by default"
  static let discoveryOff = "cluster.discovery.enabled is false"

  /// nil where both are there.
  static func missing(id: String?, secret: Secret?) -> String? {
    switch (id, secret) {
    case (nil, nil): "cluster.id and cluster.secret aren't set"
    case (nil, _): "cluster.id isn't set"
    case (_, nil): "cluster.secret isn't set"
    default: nil
    }
  }
}
