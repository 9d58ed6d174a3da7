public import RegistryKit

/// What a person writes of a discovery service.
public struct ServiceOptions: RegistryOptions {
  /// The service's URL.
  public var endpoint: String?
  /// Several services' URLs, all used at once.
  public var endpoints: [String] = []
  /// Opaque text that the cluster's nodes share; else the cluster's.
  public var clusterID: String?
  /// The key; else the cluster's.
  public var secret: SecretBytes?
  /// A file with the key as base64 text.
  public var secretFile: String?
  /// How long the service keeps what this node publishes.
  public var ttl = Duration.seconds(1800)
  /// A file with the certificates that sign the service's, in PEM; else the system's.
  public var caFile: String?
  /// A file with this node's own certificate, in PEM.
  public var clientCertFile: String?
  /// The private key of that certificate, in PEM.
  public var clientKeyFile: String?
  /// A file with a bearer token.
  public var tokenFile: String?

  public init() {}

  public static let options = OptionList<Self> {
    // No default of the schema: it would be filled in beside `endpoints`.
    RegistryOption(
      "endpoint", \.endpoint, .uri,
      "the service: `https://host[:443]/`, `grpc://host:port`, or `http://host:port` without TLS; by default "
        + "`\(ServiceURL.standard)/` where no `endpoints` are named")
    RegistryOption(
      "endpoints", \.endpoints, .list(of: .uri, count: 1...16), "several services, all used at once")
    RegistryOption(
      "clusterID", \.clusterID, .text(length: 1...256),
      "text that the cluster's nodes share, up to 256 bytes; by default `cluster.id`")
    RegistryOption(
      "secret", \.secret, .base64,
      "the key that the cluster's nodes share, 32 bytes; by default `cluster.secret`")
    RegistryOption("secretFile", \.secretFile, .path, "a file with that, as base64")
    RegistryOption(
      "ttl", \.ttl, .duration(in: .seconds(1) ... .seconds(1800)),
      "how long a service keeps what this node publishes; renewed at half of it")
    RegistryOption(
      "caFile", \.caFile, .path,
      "PEM file with the certificates that are trusted to sign the service's; by default the system's")
    RegistryOption(
      "clientCertFile", \.clientCertFile, .path, "PEM file with this node's certificate")
    RegistryOption(
      "clientKeyFile", \.clientKeyFile, .path,
      "PEM file with that certificate's private key")
    RegistryOption(
      "tokenFile", \.tokenFile, .path,
      "a file with a bearer token, for a service that asks for one")
  }
}
