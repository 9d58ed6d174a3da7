/// What a person writes of a discovery service.
public struct ServiceOptions: Decodable, Sendable {
  /// The service's URL.
  public var endpoint: String?
  /// Several services' URLs, all used at once.
  public var endpoints: [String]?
  /// Opaque text that the cluster's nodes share; else the cluster's.
  public var clusterID: String?
  /// The key as base64 text; else the cluster's.
  public var secret: String?
  /// A file with the key as base64 text.
  public var secretFile: String?
  /// How long the service keeps what this node publishes, `30m` where not said.
  public var ttl: String?
  /// A file with the certificates that sign the service's, in PEM; else the system's.
  public var caFile: String?
  /// A file with this node's own certificate, in PEM.
  public var clientCertFile: String?
  /// The private key of that certificate, in PEM.
  public var clientKeyFile: String?
  /// A file with a bearer token.
  public var tokenFile: String?

  public init(
    endpoint: String? = nil, endpoints: [String]? = nil, clusterID: String? = nil, secret: String? = nil,
    secretFile: String? = nil, ttl: String? = nil, caFile: String? = nil, clientCertFile: String? = nil,
    clientKeyFile: String? = nil, tokenFile: String? = nil
  ) {
    self.endpoint = endpoint
    self.endpoints = endpoints
    self.clusterID = clusterID
    self.secret = secret
    self.secretFile = secretFile
    self.ttl = ttl
    self.caFile = caFile
    self.clientCertFile = clientCertFile
    self.clientKeyFile = clientKeyFile
    self.tokenFile = tokenFile
  }

  /// The options' JSON Schema.
  static let schema = #"""
    {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "endpoint": {
          "type": "string", "format": "uri", "default": "https://discovery.talos.dev/",
          "description": "URL of the discovery service: https://host[:443]/, grpc://host:port, or http://host:port without TLS"
        },
        "endpoints": {
          "type": "array", "items": { "type": "string", "format": "uri" }, "minItems": 1, "maxItems": 16,
          "description": "URLs of several discovery services, all used at once"
        },
        "clusterID": {
          "type": "string", "minLength": 1, "maxLength": 256,
          "description": "the cluster's id, where it isn't the one under cluster"
        },
        "secret": {
          "type": "string", "format": "base64", "writeOnly": true,
          "description": "the cluster's secret, 32 bytes as base64, where it isn't the one under cluster"
        },
        "secretFile": { "type": "string", "minLength": 1, "description": "file with the cluster's secret" },
        "ttl": {
          "type": "string", "format": "duration", "default": "30m",
          "description": "how long the service keeps what this node publishes, 1s to 30m; renewed at half of it"
        },
        "caFile": {
          "type": "string", "minLength": 1,
          "description": "PEM file with the authorities that sign the service's certificate; else the system's"
        },
        "clientCertFile": {
          "type": "string", "minLength": 1, "description": "PEM file with this node's certificate"
        },
        "clientKeyFile": {
          "type": "string", "minLength": 1, "description": "PEM file with that certificate's private key"
        },
        "tokenFile": {
          "type": "string", "minLength": 1, "description": "file with a bearer token for the service"
        }
      }
    }
    """#
}
