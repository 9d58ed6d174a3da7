import Logging
import NIOCore
import Synchronization

/// What all connections share: the store, the rules and the counters.
final class ServiceContext: Sendable {
  let store: any ClusterStore
  let metrics: ServiceMetrics
  let ledger: ResourceLedger
  let options: TransportOptions
  let limits: StoreLimits
  let limiter: RateLimiter?
  let addresses: ClientAddress
  /// Where clients are sent by `Hello`, if anywhere.
  let redirect: String?
  let logger: Logger
  let metricsPage = RepeatedPage()
  private let tokenTable: Mutex<AccessTokens?>
  private let drainState = Atomic<Bool>(false)

  init(
    store: any ClusterStore, metrics: ServiceMetrics = ServiceMetrics(),
    ledger: ResourceLedger = ResourceLedger(), options: TransportOptions = TransportOptions(),
    limits: StoreLimits = StoreLimits(), limiter: RateLimiter? = nil,
    addresses: ClientAddress = ClientAddress(trusted: []), tokens: AccessTokens? = nil,
    redirect: String? = nil, logger: Logger
  ) {
    self.store = store
    self.metrics = metrics
    self.ledger = ledger
    self.options = options
    self.limits = limits
    self.limiter = limiter
    self.addresses = addresses
    self.redirect = redirect
    self.logger = logger
    tokenTable = Mutex(tokens)
  }

  /// Who may use which clusters; nil lets everybody use all.
  var tokens: AccessTokens? {
    get { tokenTable.withLock { $0 } }
    set { tokenTable.withLock { $0 = newValue } }
  }

  /// Whether the service is on its way out and takes no new calls.
  var isDraining: Bool {
    get { drainState.load(ordering: .relaxed) }
    set { drainState.store(newValue, ordering: .relaxed) }
  }
}
