import ClusterModel
import Platform
import RegistryKit

/// Gives the credentials as they are now: files are read again, programs are run again when what they printed
/// expires. Reports whether there are credentials, and whether they are accepted.
actor AccessSource {
  /// Why there is no access.
  struct Failure: Error, Hashable {
    let error: RegistryError
    /// Whether the server is known, but there are no credentials for it.
    let isOfCredentials: Bool
  }

  private let find: @Sendable () throws(RegistryError) -> AccessLocation
  private let now: @Sendable () -> Timestamp
  private let execDeadline: Duration
  private var reporter: AspectReporter?
  private var printed: (plugin: ExecPlugin, credential: ExecPlugin.Credential)?
  private let queue = BlockingQueue("rollcall.kubernetes.credentials")

  /// Whether a program is being run, and who waits for its end to look at what it printed.
  private var isRunning = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// How long before its end a credential is renewed, in milliseconds: the request that uses it takes a while
  /// too.
  static let renewal: Int64 = 10_000

  /// - Parameters:
  ///   - session: what is given reports of the credentials.
  ///   - find: where to look; called each time, on a thread that may block.
  init(
    session: RegistrySession? = nil, now: @escaping @Sendable () -> Timestamp = Timestamp.now,
    execDeadline: Duration = ExecPlugin.deadline,
    find: @escaping @Sendable () throws(RegistryError) -> AccessLocation
  ) {
    self.find = find
    self.now = now
    self.execDeadline = execDeadline
    reporter = session.map { AspectReporter(.credentials, $0) }
  }

  /// What is needed for a request now.
  ///
  /// - Throws: ``Failure``, what the session refuses a report with, `CancellationError`.
  func current() async throws -> Access {
    let find = find
    let (plan, access) = try await queue.run { _ in Self.plan(find).map { ($0, Self.access($0)) } }.get()
    do {
      var access = try access.get()
      if case .exec(let plugin) = plan.token { access.use(try await credential(of: plugin)) }
      return access
    } catch let failure as Failure {
      if failure.isOfCredentials { try reporter?.report(failure.error) }
      throw failure
    }
  }

  /// The cluster that is asked now. No credentials are read for that.
  func cluster() async throws -> Access.Cluster {
    let find = find
    return try await queue.run { _ in
      Self.plan(find).flatMap { plan in
        Result { () throws(RegistryError) in try Access(plan).cluster }.mapError(Failure.init(ofPlan:))
      }
    }.get()
  }

  /// The server refused what it was shown: a program's credential isn't used again.
  func refused() { printed = nil }

  /// The server accepted what it was shown, or refused what had just been renewed.
  func settled(_ error: RegistryError?) throws { try reporter?.report(error) }

  private func credential(of plugin: ExecPlugin) async throws -> ExecPlugin.Credential {
    // Never two at once: the second one can use what the first one prints.
    while isRunning { await withCheckedContinuation { waiting.append($0) } }
    try Task.checkCancellation()
    if let printed, printed.plugin == plugin,
      printed.credential.expiration.map({ now().milliseconds < $0.milliseconds - Self.renewal }) ?? true
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
        .mapError(Failure.init(ofCredentials:))
    }.get()
    printed = (plugin, credential)
    return credential
  }

  private static func plan(
    _ find: () throws(RegistryError) -> AccessLocation
  ) -> Result<AccessPlan, Failure> {
    Result { () throws(RegistryError) in try find().plan() }.mapError(Failure.init(ofPlan:))
  }

  private static func access(_ plan: AccessPlan) -> Result<Access, Failure> {
    Result { () throws(RegistryError) in try Access(plan) }.mapError(Failure.init(ofPlan:)).flatMap {
      access in
      Result { () throws(RegistryError) in
        var access = access
        try access.readCredentials(plan)
        return access
      }.mapError(Failure.init(ofCredentials:))
    }
  }
}

extension AccessSource.Failure {
  init(ofPlan error: RegistryError) { self.init(error: error, isOfCredentials: false) }
  init(ofCredentials error: RegistryError) { self.init(error: error, isOfCredentials: true) }
}
