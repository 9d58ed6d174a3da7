import RegistryKit

/// The keys of every section of the file.
enum ConfigurationKeys {
  static let file = [
    "cluster", "plugins", "merge", "node", "history", "http", "kubespan", "outputs", "hooks",
    "stateDirectory",
  ]
  static let cluster = ["id", "secret", "secretFile", "discovery"]
  static let discovery = ["enabled", "registries"]
  /// The keys of a registry that aren't options of its plugin.
  static let registry = OptionsSchema.reservedKeys
  static let plugins = ["path", "allowUnsafePermissions"]
  static let merge = ["precedence", "match"]
  static let mergeMatch = ["ignoreAddresses", "defaultBridges"]
  static let node = [
    "publish", "hostname", "nodename", "machineType", "addresses", "addressFilter", "operatingSystem",
    "controlPlane", "additionalAddresses", "labels", "keepOnExit",
  ]
  static let history = ["keep", "entries", "tombstones"]
  static let http = ["listen", "hosts", "tls", "tokensFile", "page"]
  static let httpTLS = ["certFile", "keyFile", "clientCAFile"]
  static let kubeSpan = [
    "enabled", "advertiseKubernetesNetworks", "allowDownPeerBypass", "harvestExtraEndpoints", "mtu",
    "filters", "extraAnnouncedEndpoints", "interface", "listenPort", "routingTable", "rulePriority", "marks",
    "keepAlive", "device", "hardwareInterface", "hardwareAddress", "identityFile", "keepOnExit",
    "keepPeersFor", "degradedAfter", "nftablesTable",
  ]
  static let kubeSpanFilters = ["endpoints", "excludeAdvertisedNetworks", "peerEndpoints", "addresses"]
  static let kubeSpanMarks = ["device", "peer", "mask"]
  static let tombstones = ["left", "missing", "max"]
  static let addressFilter = ["include", "exclude"]
  static let controlPlane = ["port"]
  static let output = [
    "format", "path", "mode", "command", "debounce", "timeout", "selector", "status", "port", "family",
    "networks",
    "labels", "maxShrink", "allowEmpty",
  ]
  static let hook = ["command", "on", "to", "timeout"]

  /// Where the keys belong whose names alone tell: for those that are written in a wrong section.
  static let places: [String: String] = [
    "cluster": "", "plugins": "", "merge": "", "node": "", "history": "", "http": "", "kubespan": "",
    "outputs": "", "hooks": "",
    "stateDirectory": "",
    "discovery": "cluster", "secret": "cluster", "secretFile": "cluster",
    "registries": "cluster.discovery", "allowUnsafePermissions": "plugins", "precedence": "merge",
    "ignoreAddresses": "merge.match", "defaultBridges": "merge.match",
    "publish": "node", "hostname": "node", "nodename": "node", "machineType": "node", "addressFilter": "node",
    "operatingSystem": "node", "controlPlane": "node", "additionalAddresses": "node",
    "keepOnExit": "node", "tombstones": "history", "listen": "http", "hosts": "http", "tls": "http",
    "tokensFile": "http",
    "page": "http", "certFile": "http.tls", "keyFile": "http.tls", "clientCAFile": "http.tls",
    "advertiseKubernetesNetworks": "kubespan", "allowDownPeerBypass": "kubespan",
    "harvestExtraEndpoints": "kubespan", "mtu": "kubespan", "filters": "kubespan",
    "extraAnnouncedEndpoints": "kubespan", "interface": "kubespan", "listenPort": "kubespan",
    "routingTable": "kubespan", "rulePriority": "kubespan", "marks": "kubespan", "keepAlive": "kubespan",
    "hardwareInterface": "kubespan", "hardwareAddress": "kubespan", "identityFile": "kubespan",
    "keepPeersFor": "kubespan", "degradedAfter": "kubespan", "nftablesTable": "kubespan",
    "excludeAdvertisedNetworks": "kubespan.filters", "peerEndpoints": "kubespan.filters",
  ]
}
