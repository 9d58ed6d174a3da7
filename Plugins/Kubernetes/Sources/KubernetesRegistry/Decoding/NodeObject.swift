package import ClusterModel

/// The fields of a Kubernetes Node that are needed; all else is passed over while the JSON arrives.
///
/// A text that the object doesn't have is empty.
package struct NodeObject: Hashable, Sendable {
  /// `metadata.name`; never empty.
  package var name: String
  /// `metadata.uid`: another one under the same name is another Node.
  package var uid: String
  /// `metadata.resourceVersion`, opaque.
  package var resourceVersion: String
  /// `metadata.creationTimestamp`; nil where there is none.
  package var createdAt: Timestamp?
  /// Those of `metadata.annotations` that ``NodeAnnotation`` names, by their whole name.
  package var annotations: [String: String]
  /// Those of `metadata.annotations` that are to become labels.
  package var chosenAnnotations: [String: String]
  /// Those of `metadata.labels` that are to become labels.
  package var labels: [String: String]
  /// Whether the label `node-role.kubernetes.io/control-plane` exists, whatever its value.
  package var isControlPlane: Bool
  /// The first of `status.addresses` of type `Hostname`.
  package var hostname: String
  /// Those of `status.addresses` of type `InternalIP` and `ExternalIP`, as they are written, internal ones first.
  package var addresses: [String]
  /// `status.nodeInfo.osImage`.
  package var osImage: String
  /// `status.nodeInfo.machineID`, as it is written.
  package var machineID: String
  /// What the condition `Ready` in `status.conditions` comes to, its reason as it is written; nil where there
  /// is none.
  package var health: NodeHealth?
  /// What of it couldn't be read.
  package var unusable = UnusableValues()

  package init(
    name: String, uid: String = "", resourceVersion: String = "", createdAt: Timestamp? = nil,
    annotations: [String: String] = [:], chosenAnnotations: [String: String] = [:],
    labels: [String: String] = [:], isControlPlane: Bool = false, hostname: String = "",
    addresses: [String] = [], osImage: String = "", machineID: String = "", health: NodeHealth? = nil
  ) {
    self.name = name
    self.uid = uid
    self.resourceVersion = resourceVersion
    self.createdAt = createdAt
    self.annotations = annotations
    self.chosenAnnotations = chosenAnnotations
    self.labels = labels
    self.isControlPlane = isControlPlane
    self.hostname = hostname
    self.addresses = addresses
    self.osImage = osImage
    self.machineID = machineID
    self.health = health
  }
}

/// How many needed values of an object had another type, or were too long. No part of what the object is: all
/// are equal.
package struct UnusableValues: Hashable, Sendable {
  package var count = 0

  package static func == (left: Self, right: Self) -> Bool { true }

  package func hash(into hasher: inout Hasher) {}
}
