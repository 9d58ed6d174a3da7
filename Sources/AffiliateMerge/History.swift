import ClusterModel

/// A thing's version and times without the thing: what is kept beside a value that others hold already.
struct History: Hashable, Sendable {
  let version: UInt64
  let created: Timestamp
  let updated: Timestamp

  private init(version: UInt64, created: Timestamp, updated: Timestamp) {
    self.version = version
    self.created = created
    self.updated = updated
  }

  /// The history of what appears `now`.
  init(from now: Timestamp) { self.init(version: 1, created: now, updated: now) }

  /// The history after a real change.
  func changed(at now: Timestamp) -> History {
    History(version: version + 1, created: created, updated: now)
  }

  func of<Value>(_ value: Value) -> Versioned<Value> {
    Versioned(value: value, version: version, created: created, updated: updated)
  }
}

extension Versioned {
  var history: History { History(self) }
}

extension History {
  fileprivate init<Value>(_ versioned: Versioned<Value>) {
    self.init(version: versioned.version, created: versioned.created, updated: versioned.updated)
  }
}
