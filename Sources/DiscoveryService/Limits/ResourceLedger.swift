import ClusterModel
import Exposition
import Synchronization

/// The one account of what clients hold of what all share, with a bound for each client and one for all.
///
/// Any thread may book. Only clients that hold something are in the table, so that it needs no bound of its own.
public final class ResourceLedger: Sendable {
  private static let parts = 16

  /// What one client holds, by the resources' numbers.
  private typealias Holdings = SIMD16<Int>

  private final class Part: Sendable {
    let clients = Mutex<[IPAddress: Holdings]>([:])
  }

  let limits: SharedLimits
  private let levels: [Gauge] = SharedResource.allCases.map { _ in Gauge() }
  private let parts: [Part] = (0..<ResourceLedger.parts).map { _ in Part() }

  /// An account in which nothing is in use yet, that grants up to `limits`.
  public init(limits: SharedLimits = SharedLimits()) { self.limits = limits }

  /// How much of a resource is in use by all.
  func level(_ resource: SharedResource) -> Int { levels[resource.rawValue].value }

  /// How much of a resource `client` has.
  func level(_ resource: SharedResource, of client: IPAddress) -> Int {
    part(client).clients.withLock { $0[client]?[resource.rawValue] ?? 0 }
  }

  /// Clients that hold something.
  var clientCount: Int { parts.reduce(0) { $0 + $1.clients.withLock { $0.count } } }

  /// The most that one client has of a resource.
  func largestShare(_ resource: SharedResource) -> Int {
    parts.reduce(0) { largest, part in
      max(largest, part.clients.withLock { $0.values.reduce(0) { max($0, $1[resource.rawValue]) } })
    }
  }

  /// Books `amount` more, or nothing where that led above a bound.
  ///
  /// - Parameter client: Whom it is for; nil for a proxy that stands for many, for whom only the total counts.
  func take(_ amount: Int, _ resource: SharedResource, for client: IPAddress?) throws(ServiceError) {
    let bound = limits[resource]
    let index = resource.rawValue
    if let client {
      let isTaken = part(client).clients.withLock { clients in
        var holdings = clients[client] ?? Holdings(repeating: 0)
        guard holdings[index] + amount <= bound.perClient else { return false }
        holdings[index] += amount
        clients[client] = holdings
        return true
      }
      guard isTaken else {
        throw .exhausted("too many \(resource.plural) of one address", reason: "client_\(resource.name)")
      }
    }
    guard levels[index].add(amount, upTo: bound.total) else {
      if let client { subtract(amount, index, client) }
      throw .exhausted("too many \(resource.plural)", reason: resource.name)
    }
  }

  /// Books `amount` that is there already, whether it is too much or not.
  func add(_ amount: Int, _ resource: SharedResource, for client: IPAddress?) {
    levels[resource.rawValue].add(amount)
    guard let client else { return }
    part(client).clients.withLock { $0[client, default: Holdings(repeating: 0)][resource.rawValue] += amount }
  }

  /// Gives back what was booked.
  func give(_ amount: Int, _ resource: SharedResource, for client: IPAddress?) {
    guard amount != 0 else { return }
    levels[resource.rawValue].add(-amount)
    if let client { subtract(amount, resource.rawValue, client) }
  }

  private func subtract(_ amount: Int, _ index: Int, _ client: IPAddress) {
    part(client).clients.withLock { clients in
      guard var holdings = clients[client] else { return }
      holdings[index] -= amount
      clients[client] = holdings == Holdings(repeating: 0) ? nil : holdings
    }
  }

  private func part(_ client: IPAddress) -> Part {
    parts[Int(UInt(bitPattern: client.hashValue) % UInt(Self.parts))]
  }
}

/// A changing amount of one resource that somebody has booked; to be set to 0 at the end.
struct Booking {
  private let ledger: ResourceLedger
  private let resource: SharedResource
  private let client: IPAddress?
  private(set) var amount = 0

  init(_ resource: SharedResource, of client: IPAddress?, in ledger: ResourceLedger) {
    self.ledger = ledger
    self.resource = resource
    self.client = client
  }

  /// Books the difference to `amount`, or changes nothing where that led above a bound.
  mutating func set(_ amount: Int) throws(ServiceError) {
    let more = amount - self.amount
    if more > 0 {
      try ledger.take(more, resource, for: client)
    } else {
      ledger.give(-more, resource, for: client)
    }
    self.amount = amount
  }

  /// The same for what is there already: a bound that is passed is passed.
  mutating func force(_ amount: Int) {
    if amount != self.amount { ledger.add(amount - self.amount, resource, for: client) }
    self.amount = amount
  }

  mutating func clear() {
    ledger.give(amount, resource, for: client)
    amount = 0
  }
}
