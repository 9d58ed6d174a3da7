import TestSupport

/// What makes a Node long and is needed by nobody here.
extension NodeFixture {
  /// Images, each by digest and by tag, with its size.
  var images: String {
    let names = [
      "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "etcd", "coredns", "pause",
      "calico-node", "calico-cni", "flannel", "csi-provisioner", "csi-attacher", "livenessprobe",
      "metrics-server", "node-exporter", "fluent-bit", "ingress-nginx-controller", "cert-manager-controller",
      "local-path-provisioner", "node-problem-detector", "external-dns", "cluster-autoscaler", "kyverno",
      "velero", "argocd", "external-secrets",
    ]
    var generator = SeededGenerator(seed: UInt64(index % 16))
    let list = names.enumerated().map { number, name in
      let digest = (0..<4).map { _ in hexadecimal(generator.next()) }.joined()
      return """
        {"names":["registry.example.org/system/\(name)@sha256:\(digest)",\
        "registry.example.org/system/\(name):v1.\(number).\(index % 16)"],"sizeBytes":\(generator.next() >> 36)}
        """
    }
    return "[" + list.joined(separator: ",") + "]"
  }

  /// Who wrote which field: the kubelet its metadata and status, controllers the rest.
  var managedFields: String {
    "[" + [kubeletFields, controllerFields, rollcallFields, statusFields].joined(separator: ",") + "]"
  }

  private func entry(_ manager: String, _ fields: String, subresource: String = "") -> String {
    let subresource = subresource.isEmpty ? "" : ",\"subresource\":\"\(subresource)\""
    return """
      {"manager":"\(manager)","operation":"Update","apiVersion":"v1","time":"2026-03-02T08:12:44Z",\
      "fieldsType":"FieldsV1","fieldsV1":{\(fields)}\(subresource)}
      """
  }

  private var kubeletFields: String {
    let labels = [
      "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type", "beta.kubernetes.io/os",
      "failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
      "kubernetes.io/arch", "kubernetes.io/hostname", "kubernetes.io/os", "node.kubernetes.io/instance-type",
      "topology.kubernetes.io/region", "topology.kubernetes.io/zone",
    ]
    return entry(
      "kubelet",
      """
      "f:metadata":{"f:annotations":{".":{},"f:volumes.kubernetes.io/controller-managed-attach-detach":{}},\
      "f:labels":{".":{},\(empty(labels))}},"f:spec":{"f:providerID":{}}
      """)
  }

  private var controllerFields: String {
    entry(
      "kube-controller-manager",
      """
      "f:metadata":{"f:annotations":{"f:node.alpha.kubernetes.io/ttl":{}}},\
      "f:spec":{"f:podCIDR":{},"f:podCIDRs":{".":{},"v:\\"10.244.\(index & 255).0/24\\"":{}}}
      """)
  }

  private var rollcallFields: String {
    entry("rollcall", "\"f:metadata\":{\"f:annotations\":{\(empty(annotations.map(\.0)))}}")
  }

  private var statusFields: String {
    let resources = ["cpu", "ephemeral-storage", "hugepages-1Gi", "hugepages-2Mi", "memory", "pods"]
    let conditions = ["NetworkUnavailable", "MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map {
      """
      "k:{\\"type\\":\\"\($0)\\"}":{".":{},"f:lastHeartbeatTime":{},"f:lastTransitionTime":{},\
      "f:message":{},"f:reason":{},"f:status":{},"f:type":{}}
      """
    }
    let addresses = ["InternalIP", "Hostname", "InternalDNS"].map {
      "\"k:{\\\"type\\\":\\\"\($0)\\\"}\":{\".\":{},\"f:address\":{},\"f:type\":{}}"
    }
    let info = [
      "architecture", "bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion",
      "kubeletVersion", "machineID", "operatingSystem", "osImage", "systemUUID",
    ]
    return entry(
      "kubelet",
      """
      "f:status":{"f:addresses":{".":{},\(addresses.joined(separator: ","))},\
      "f:allocatable":{".":{},\(empty(resources))},"f:capacity":{".":{},\(empty(resources))},\
      "f:conditions":{".":{},\(conditions.joined(separator: ","))},\
      "f:daemonEndpoints":{"f:kubeletEndpoint":{"f:Port":{}}},"f:images":{},"f:nodeInfo":{\(empty(info))}}
      """,
      subresource: "status")
  }

  private func empty(_ names: [String]) -> String { names.map { "\"f:\($0)\":{}" }.joined(separator: ",") }

  private func hexadecimal(_ number: UInt64) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
