import ClusterModel
import FoundationEssentials
import HTTPTransport
import Platform
import RegistryKit

/// A program that prints credentials: the `exec` of a kubeconfig's user.
struct ExecPlugin: Hashable, Sendable {
  /// The versions of `client.authentication.k8s.io` that are spoken.
  enum Version: String, CaseIterable, Sendable {
    case v1 = "client.authentication.k8s.io/v1"
    case v1beta1 = "client.authentication.k8s.io/v1beta1"
  }

  /// A variable of the program's environment.
  struct Variable: Hashable, Sendable {
    let name: String
    let value: String
  }

  /// What a program printed.
  struct Credential: Hashable, Sendable {
    var token: String?
    var certificate: [UInt8]?
    var key: [UInt8]?
    /// When it is no longer good; nil for as long as the server takes it.
    var expiration: Timestamp?
  }

  let version: Version
  /// A path, or a name that is looked for in PATH.
  let command: String
  let arguments: [String]
  let environment: [Variable]
  /// What helps a person who doesn't have the program.
  let installHint: String?
  let providesClusterInfo: Bool
  /// What the program is given of the cluster; set by ``knowing(cluster:)``.
  private(set) var cluster: ClusterInfo?

  /// `spec.cluster` of an ExecCredential.
  struct ClusterInfo: Hashable, Sendable, Encodable {
    var server: String
    var serverName: String?
    var isInsecure: Bool?
    var certificateAuthority: String?

    private enum CodingKeys: String, CodingKey {
      case server
      case serverName = "tls-server-name"
      case isInsecure = "insecure-skip-tls-verify"
      case certificateAuthority = "certificate-authority-data"
    }
  }

  init(
    version: Version, command: String, arguments: [String] = [], environment: [Variable] = [],
    installHint: String? = nil, providesClusterInfo: Bool = false
  ) {
    self.version = version
    self.command = command
    self.arguments = arguments
    self.environment = environment
    self.installHint = installHint
    self.providesClusterInfo = providesClusterInfo
  }

  /// How long the program may take.
  static let deadline = Duration.seconds(60)
  /// The most bytes that it may print.
  static let maximumOutput = 1 << 20

  /// The plugin with what it is given of the cluster, where it asks for that.
  func knowing(cluster plan: AccessPlan) -> ExecPlugin {
    guard providesClusterInfo else { return self }
    var copy = self
    copy.cluster = ClusterInfo(
      server: plan.server.description, serverName: plan.serverName, isInsecure: plan.isInsecure ? true : nil,
      // The program is given the content, as it would be by kubectl.
      certificateAuthority: (try? plan.certificateAuthority?.read("certificate authority")).map {
        Base64.encode($0)
      })
    return copy
  }

  /// What the program is given in `KUBERNETES_EXEC_INFO`.
  var execInfo: String {
    struct Info: Encodable {
      struct Spec: Encodable {
        var cluster: ClusterInfo?
        var interactive = false
      }

      var apiVersion: String
      var kind = "ExecCredential"
      var spec: Spec
    }
    return CompactJSON.of(Info(apiVersion: version.rawValue, spec: .init(cluster: cluster)))
  }

  /// Runs the program. Blocks for ``deadline`` at the most.
  ///
  /// - Parameter isCancelled: asked now and then; the program is ended when it becomes true.
  func run(
    within deadline: Duration = Self.deadline, isCancelled: () -> Bool = { false }
  ) throws(RegistryError) -> Credential {
    var program = ChildProgram(command, arguments)
    for variable in environment { program.environment[variable.name] = variable.value }
    program.environment["KUBERNETES_EXEC_INFO"] = execInfo
    let end: ChildProgram.End
    do throws(ChildProgram.Failure) {
      end = try program.run(within: deadline, maximumOutput: Self.maximumOutput, isCancelled: isCancelled)
    } catch {
      switch error {
      case .notStarted(let reason, let isMissing):
        let hint = isMissing ? installHint.map { "; \($0)" } ?? "" : ""
        throw RegistryError(
          .unavailable, "the credential program '\(command)' can't be started: \(reason)\(hint)")
      case .deadline:
        throw RegistryError(
          .deadlineExceeded,
          "the credential program '\(command)' didn't end within \(DurationText.text(of: deadline))")
      case .tooMuchOutput:
        throw RegistryError(
          .limitExceeded, "the credential program '\(command)' printed more than \(Self.maximumOutput) bytes")
      case .cancelled:
        throw RegistryError(.stopped, "the credential program '\(command)' was ended, as nobody waits for it")
      }
    }
    guard end.status == 0 else {
      // What it complains of is for people. (What it prints on standard output may be a secret.)
      let errors = end.errors.split(separator: "\n").first.map { ": \($0.prefix(300))" } ?? ""
      throw RegistryError(
        .permissionDenied, "the credential program '\(command)' ended with status \(end.status)\(errors)")
    }
    return try credential(from: end.output)
  }

  /// Reads what the program printed.
  func credential(from output: [UInt8]) throws(RegistryError) -> Credential {
    let object: ExecCredentialObject
    do {
      object = try JSONDecoder().decode(ExecCredentialObject.self, from: Data(output))
    } catch {
      throw refused("it printed no ExecCredential in JSON")
    }
    guard object.kind == "ExecCredential" else { throw refused("it printed no ExecCredential") }
    guard object.apiVersion == version.rawValue else {
      throw refused(
        "it printed apiVersion '\(object.apiVersion ?? "")' where '\(version.rawValue)' was asked for")
    }
    guard let status = object.status else { throw refused("it printed no status") }
    var credential = Credential()
    if let token = status.token, !token.isEmpty {
      guard BearerToken.isValid(token) else { throw refused("it printed a token that isn't one") }
      credential.token = token
    }
    credential.certificate = status.clientCertificateData.map { Array($0.utf8) }
    credential.key = status.clientKeyData.map { Array($0.utf8) }
    guard (credential.certificate == nil) == (credential.key == nil) else {
      throw refused("clientCertificateData and clientKeyData go together")
    }
    guard credential.token != nil || credential.certificate != nil else {
      throw refused("it printed neither a token nor a client certificate")
    }
    if let text = status.expirationTimestamp {
      guard let expiration = Timestamp(rfc3339: text) else {
        throw refused(
          "its expirationTimestamp '\(text.prefix(80))' isn't a time such as 2026-11-23T03:08:50Z")
      }
      credential.expiration = expiration
    }
    return credential
  }

  private func refused(_ reason: String) -> RegistryError {
    RegistryError(.failed, "the credential program '\(command)' can't be used: \(reason)")
  }
}

/// What a credential program prints.
private struct ExecCredentialObject: Decodable {
  struct Status: Decodable {
    var token: String?
    var clientCertificateData: String?
    var clientKeyData: String?
    var expirationTimestamp: String?
  }

  var apiVersion: String?
  var kind: String?
  var status: Status?
}
