import RegistryKit

/// Everything that a request needs, read and ready.
struct Access: Sendable {
  /// What makes a connection; equal ones can share connections.
  struct Endpoint: Hashable, Sendable {
    var server: ServerURL
    /// PEM; nil for the system's authorities.
    var certificateAuthority: [UInt8]?
    var serverName: String?
    var isInsecure: Bool
    var proxy: ProxyURL?
    /// PEM, the certificate and its chain.
    var clientCertificate: [UInt8]?
    /// PEM.
    var clientKey: [UInt8]?
  }

  /// Which cluster it is. Versions and Nodes of one say nothing of another.
  struct Cluster: Hashable, Sendable {
    let server: ServerURL
    let certificateAuthority: [UInt8]?
    let serverName: String?
  }

  var endpoint: Endpoint
  /// The bearer token.
  var token: String?
  /// Which certificate authority is trusted, for messages.
  var authorityName: String
  /// Who says all this, for messages.
  var origin: String
  /// Where the credentials come from, for messages: `token file '/…/token'`.
  var credentialName: String
}

/// Gives the credentials as they are now: files are read again, programs are run again when what they printed
/// expires.
actor AccessSource {
  private let find: @Sendable () throws(RegistryError) -> AccessLocation
  private let now: @Sendable () -> Double
  private let execDeadline: Duration
  private var printed: (plugin: ExecPlugin, credential: ExecPlugin.Credential)?
  private let queue = BlockingQueue("rollcall.kubernetes.credentials")

  /// Whether a program is being run, and who waits for its end to look at what it printed.
  private var isRunning = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// How long before its end a credential is renewed, in seconds: the request that uses it takes a while too.
  static let renewal = 10.0

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - find: where to look; called each time, on a thread that may block.
  init(
    now: @escaping @Sendable () -> Double = SystemTime.seconds, execDeadline: Duration = ExecPlugin.deadline,
    find: @escaping @Sendable () throws(RegistryError) -> AccessLocation
  ) {
    self.find = find
    self.now = now
    self.execDeadline = execDeadline
  }

  /// What is true now.
  ///
  /// - Throws: `RegistryError` that says what is missing or wrong, `CancellationError`.
  func current() async throws -> Access {
    let find = find
    let (plan, files) = try await queue.run { _ in Self.read(find) }.get()
    var access = files
    guard case .exec(let plugin) = plan.token else { return access }
    let credential = try await credential(of: plugin)
    access.token = credential.token
    access.endpoint.clientCertificate = credential.certificate
    access.endpoint.clientKey = credential.key
    access.credentialName = "the credential program '\(plugin.command)'"
    return access
  }

  /// The cluster that is asked now. No program is run for that.
  func cluster() async throws -> Access.Cluster {
    let find = find
    return try await queue.run { _ in Self.read(find) }.get().1.cluster
  }

  /// The server refused what it was shown: a program's credential isn't used again.
  func refused() { printed = nil }

  private func credential(of plugin: ExecPlugin) async throws -> ExecPlugin.Credential {
    // Never two at once: the second one can use what the first one prints.
    while isRunning { await withCheckedContinuation { waiting.append($0) } }
    try Task.checkCancellation()
    if let printed, printed.plugin == plugin,
      printed.credential.expiration.map({ now() < $0 - Self.renewal }) ?? true
    {
      return printed.credential
    }
    isRunning = true
    defer {
      isRunning = false
      for continuation in waiting { continuation.resume() }
      waiting = []
    }
    let deadline = execDeadline
    let credential = try await queue.run { isCancelled in
      Result { () throws(RegistryError) in try plugin.run(within: deadline, isCancelled: isCancelled) }
    }.get()
    printed = (plugin, credential)
    return credential
  }

  private static func read(
    _ find: () throws(RegistryError) -> AccessLocation
  ) -> Result<(AccessPlan, Access), RegistryError> {
    Result { () throws(RegistryError) in
      let plan = try find().plan()
      return (plan, try Access(plan))
    }
  }
}

extension Access {
  /// The cluster that is asked. A new authority counts as a new cluster: the address may have been given away.
  var cluster: Cluster {
    Cluster(
      server: endpoint.server, certificateAuthority: endpoint.certificateAuthority,
      serverName: endpoint.serverName)
  }

  /// Reads the files that `plan` names. Blocks.
  init(_ plan: AccessPlan) throws(RegistryError) {
    endpoint = Endpoint(
      server: plan.server,
      certificateAuthority: try plan.certificateAuthority?.read("certificate authority"),
      serverName: plan.serverName, isInsecure: plan.isInsecure, proxy: plan.proxy,
      clientCertificate: try plan.clientCertificate?.read("client certificate"),
      clientKey: try plan.clientKey?.read("client key"))
    authorityName = plan.certificateAuthority?.name ?? "the system's certificate authorities"
    origin = plan.origin
    switch plan.token {
    case .none: credentialName = plan.clientCertificate?.name ?? "no credentials at all"
    case .inline(let text):
      token = text
      credentialName = "the token of \(plan.origin)"
    case .file(let path):
      // A line break at the end is the habit of editors, not a part of the token.
      let bytes = try SmallFile.read(path, what: "token file")
      let text = String(decoding: bytes, as: UTF8.self).trimmingBlanks()
      guard BearerToken.isValid(text) else {
        throw RegistryError(
          .invalidArgument,
          text.isEmpty
            ? "token file '\(path)' is empty"
            : "token file '\(path)' holds something that isn't one bearer token")
      }
      token = text
      credentialName = "token file '\(path)'"
    case .exec(let plugin): credentialName = "the credential program '\(plugin.command)'"
    }
  }
}

extension AccessPlan.Material {
  /// How messages call it.
  var name: String {
    switch self {
    case .inline(_, let name): name
    case .file(let path): "'\(path)'"
    }
  }

  /// The bytes. Blocks.
  func read(_ what: String) throws(RegistryError) -> [UInt8] {
    switch self {
    case .inline(let bytes, _): bytes
    case .file(let path): try SmallFile.read(path, what: what)
    }
  }
}

extension String {
  /// The text without spaces and line breaks at its ends.
  func trimmingBlanks() -> String {
    var text = self[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
