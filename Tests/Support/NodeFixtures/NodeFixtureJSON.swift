extension NodeFixture {
  /// The Node as an item of a list: without `kind` and `apiVersion`, in the order of an API server.
  public var json: String {
    "{\"metadata\":\(metadata),\"spec\":\(spec),\"status\":\(status)}"
  }

  /// The Node as the object of an event, or as the answer to a request for it alone.
  public var objectJSON: String {
    "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":\(metadata),\"spec\":\(spec),\"status\":\(status)}"
  }

  private var metadata: String {
    """
    {"name":"\(name)","uid":"\(uid)","resourceVersion":"\(resourceVersion)",\
    "creationTimestamp":"2026-03-01T08:12:44Z","labels":{\(labels)},"annotations":{\(annotationMembers)},\
    "managedFields":\(managedFields)}
    """
  }

  private var labels: String {
    let role = isControlPlane ? ",\"node-role.kubernetes.io/control-plane\":\"\"" : ""
    return """
      "beta.kubernetes.io/arch":"amd64","beta.kubernetes.io/instance-type":"m5.2xlarge",\
      "beta.kubernetes.io/os":"linux","failure-domain.beta.kubernetes.io/region":"eu-central-1",\
      "failure-domain.beta.kubernetes.io/zone":"eu-central-1\(zone)","kubernetes.io/arch":"amd64",\
      "kubernetes.io/hostname":"\(name)","kubernetes.io/os":"linux"\(role),\
      "node.kubernetes.io/instance-type":"m5.2xlarge","topology.kubernetes.io/region":"eu-central-1",\
      "topology.kubernetes.io/zone":"eu-central-1\(zone)"
      """
  }

  private var zone: String { ["a", "b", "c"][index % 3] }

  private var annotationMembers: String {
    let foreign = [
      ("csi.volume.kubernetes.io/nodeid", #"{\"ebs.csi.aws.com\":\"i-0\#(digits(index, 16))\"}"#),
      ("node.alpha.kubernetes.io/ttl", "0"),
      ("volumes.kubernetes.io/controller-managed-attach-detach", "true"),
    ]
    return (foreign + annotations).sorted { $0.0 < $1.0 }.map { "\"\($0.0)\":\"\($0.1)\"" }
      .joined(separator: ",")
  }

  private var spec: String {
    """
    {"podCIDR":"10.244.\(index & 255).0/24","podCIDRs":["10.244.\(index & 255).0/24"],\
    "providerID":"aws:///eu-central-1\(zone)/i-0\(digits(index, 16))"}
    """
  }

  private var status: String {
    let allocatable =
      #""cpu":"7910m","ephemeral-storage":"93478772582","hugepages-1Gi":"0","hugepages-2Mi":"0","#
      + #""memory":"31482288Ki","pods":"58""#
    return """
      {"capacity":{\(allocatable)},"allocatable":{\(allocatable)},"conditions":\(conditions),\
      "addresses":[{"type":"InternalIP","address":"\(address)"},{"type":"Hostname","address":"\(name)"},\
      {"type":"InternalDNS","address":"\(name).eu-central-1.compute.internal"}],\
      "daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},"nodeInfo":{\
      "machineID":"\(machineID)","systemUUID":"\(uid)","bootID":"\(uid)",\
      "kernelVersion":"6.1.82-talos","osImage":"\(Self.osImage)","containerRuntimeVersion":"containerd://1.6.12",\
      "kubeletVersion":"v1.26.0","kubeProxyVersion":"v1.26.0","operatingSystem":"linux",\
      "architecture":"amd64"},"images":\(images)}
      """
  }

  private var conditions: String {
    let all = [
      ("NetworkUnavailable", "False", "CalicoIsUp", "Calico is running on this node"),
      ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
      ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
      ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
      ("Ready", "True", "KubeletReady", "kubelet is posting ready status. AppArmor enabled"),
    ]
    let list = all.map { type, state, reason, message in
      """
      {"type":"\(type)","status":"\(state)","lastHeartbeatTime":"2026-03-02T08:12:44Z",\
      "lastTransitionTime":"2026-03-01T08:12:59Z","reason":"\(reason)","message":"\(message)"}
      """
    }
    return "[" + list.joined(separator: ",") + "]"
  }
}
