public import ClusterModel
import Platform

/// A registry as programs are shown it: what is configured, and how it is.
public struct RegistryDocument: Hashable, Sendable {
  /// One thing that a registry does, and whether it works.
  public struct Aspect: Hashable, Sendable {
    /// What: `reading`, `publishing`, `credentials`, `content`.
    public var aspect: String
    /// Of which of its sources; empty where it has only one.
    public var source: String
    /// What is wrong; nil where it works.
    public var error: Failure?

    /// How `aspect` is.
    public init(aspect: String, source: String = "", error: Failure? = nil) {
      self.aspect = aspect
      self.source = source
      self.error = error
    }
  }

  /// What is or was wrong.
  public struct Failure: Hashable, Sendable {
    /// Since when, or when it came about; nil where that isn't known.
    public var at: Timestamp?
    /// One word for programs.
    public var code: String
    /// One sentence for people.
    public var message: String

    /// An error.
    public init(at: Timestamp? = nil, code: String, message: String) {
      self.at = at
      self.code = code
      self.message = message
    }
  }

  /// What became of what this node publishes.
  public struct Publication: Hashable, Sendable {
    /// `pending`, `retrying` or `accepted`.
    public var state: String
    /// The revision that was published.
    public var revision: UInt64?
    /// When it was last accepted.
    public var accepted: Timestamp?
    /// Under which address whom it asks sees this node.
    public var publicAddress: String?

    /// The publication.
    public init(
      state: String, revision: UInt64? = nil, accepted: Timestamp? = nil, publicAddress: String? = nil
    ) {
      self.state = state
      self.revision = revision
      self.accepted = accepted
      self.publicAddress = publicAddress
    }
  }

  /// The registry's name in the configuration.
  public var name: String
  /// The plugin that makes it; nil for none, and until it is loaded.
  public var plugin: String?
  /// The plugin's version.
  public var pluginVersion: String?
  /// What raw ids start with.
  public var prefix = ""
  /// Whether its records are leases.
  public var leases = false
  /// After how long a node that it lists and nobody saw is missing.
  public var expect: Duration?
  /// What becomes of its records when it fails: `keep` or `drop`.
  public var onFailure: String?
  /// After how long its records count as stale.
  public var staleAfter: Duration?
  /// For how long who is away after an outage is held.
  public var missingGrace: Duration?
  /// Why it isn't run.
  public var disabledReason: String?
  /// `starting`, `synced`, `degraded`, `failed` or `disabled`.
  public var state: String
  /// Since when it is in that state.
  public var since: Timestamp
  /// How each aspect is.
  public var aspects: [Aspect] = []
  /// How many records there are of it.
  public var records = 0
  /// How many of them are stale.
  public var staleRecords = 0
  /// The listed members that it has no record of; nil where that isn't asked, as of a disabled one.
  public var lacks: [String]?
  /// How many updates came.
  public var updates: UInt64 = 0
  /// How often it was run again after a failure.
  public var restarts = 0
  /// When it last worked.
  public var lastSuccess: Timestamp?
  /// What last went wrong.
  public var lastError: Failure?
  /// What became of what this node publishes; nil where it doesn't publish.
  public var publication: Publication?

  /// The most members that ``value(version:created:updated:resourceVersion:)`` names of those that it lacks.
  public static let maximumLackNames = 16

  /// A registry of which nothing more is known.
  public init(name: String, state: String, since: Timestamp) {
    self.name = name
    self.state = state
    self.since = since
  }

  /// The document.
  public func value(
    version: UInt64, created: Timestamp, updated: Timestamp, resourceVersion: String? = nil
  ) -> ResourceValue {
    var metadata = ResourceMetadata(
      namespace: "rollcall", type: .registry, id: name, version: version, owner: "rollcall",
      created: created, updated: updated)
    metadata.resourceVersion = resourceVersion
    return .document(metadata, spec: spec, status: status)
  }

  private var spec: ResourceValue {
    .present([
      ("plugin", plugin.map { .text($0) }), ("pluginVersion", pluginVersion.map { .text($0) }),
      ("prefix", prefix.isEmpty ? nil : .text(prefix)), ("lease", .bool(leases)),
      ("expect", expect.map { .text(DurationText.text(of: $0)) }),
      ("onFailure", onFailure.map { .text($0) }),
      ("staleAfter", staleAfter.map { .text(DurationText.text(of: $0)) }),
      ("missingGrace", missingGrace.map { .text(DurationText.text(of: $0)) }),
      ("disabledReason", disabledReason.map { .text($0) }),
    ])
  }

  private var status: ResourceValue {
    .present([
      ("state", .text(state)), ("since", .time(since)),
      ("aspects", .list(aspects.map(Self.value))),
      ("records", .integer(Int64(records))), ("staleRecords", .integer(Int64(staleRecords))),
      ("lacks", lacks.map { .integer(Int64($0.count)) }),
      ("lacking", lacks.flatMap { $0.isEmpty ? nil : .texts($0.prefix(Self.maximumLackNames)) }),
      ("updates", .integer(Int64(clamping: updates))), ("restarts", .integer(Int64(restarts))),
      ("lastSuccess", lastSuccess.map { .time($0) } ?? .null),
      ("lastError", lastError.map { .present(Self.fields($0)) }),
      (
        "publication",
        publication.map { publication in
          .present([
            ("state", .text(publication.state)),
            ("revision", publication.revision.map { .integer(Int64(clamping: $0)) }),
            ("accepted", publication.accepted.map { .time($0) }),
            ("publicAddress", publication.publicAddress.map { .text($0) }),
          ])
        }
      ),
    ])
  }

  private static func value(_ aspect: Aspect) -> ResourceValue {
    .present(
      [
        ("aspect", .text(aspect.aspect)), ("source", aspect.source.isEmpty ? nil : .text(aspect.source)),
        ("ok", .bool(aspect.error == nil)), ("since", aspect.error?.at.map { .time($0) }),
      ] + (aspect.error.map { fields($0).filter { $0.name != "at" } } ?? []))
  }

  private static func fields(_ failure: Failure) -> [(name: String, value: ResourceValue?)] {
    [
      ("at", failure.at.map { .time($0) }), ("code", .text(failure.code)),
      ("message", .text(failure.message)),
    ]
  }
}
