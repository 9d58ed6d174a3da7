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
  /// Whether the label `node-role.kubernetes.io/control-plane` exists, whatever its value.
  package var isControlPlane: Bool
  /// The first of `status.addresses` of type `Hostname`.
  package var hostname: String
  /// `status.nodeInfo.osImage`.
  package var osImage: String
  /// `status.nodeInfo.machineID`, as it is written.
  package var machineID: String
  /// What the condition `Ready` in `status.conditions` comes to, its reason as it is written; nil where there
  /// is none.
  package var health: NodeHealth?

  package init(
    name: String, uid: String = "", resourceVersion: String = "", createdAt: Timestamp? = nil,
    annotations: [String: String] = [:], isControlPlane: Bool = false, hostname: String = "",
    osImage: String = "", machineID: String = "", health: NodeHealth? = nil
  ) {
    self.name = name
    self.uid = uid
    self.resourceVersion = resourceVersion
    self.createdAt = createdAt
    self.annotations = annotations
    self.isControlPlane = isControlPlane
    self.hostname = hostname
    self.osImage = osImage
    self.machineID = machineID
    self.health = health
  }
}
