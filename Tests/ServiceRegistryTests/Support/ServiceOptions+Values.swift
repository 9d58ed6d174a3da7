@testable import ServiceRegistry

extension ServiceOptions {
  /// Options with what matters to a test.
  init(
    endpoint: String? = nil, endpoints: [String] = [], secretFile: String? = nil, caFile: String? = nil,
    clientCertFile: String? = nil, clientKeyFile: String? = nil, tokenFile: String? = nil
  ) {
    self.init()
    self.endpoint = endpoint
    self.endpoints = endpoints
    self.secretFile = secretFile
    self.caFile = caFile
    self.clientCertFile = clientCertFile
    self.clientKeyFile = clientKeyFile
    self.tokenFile = tokenFile
  }
}
