import ClusterModel
import NIOCore

/// From a whole request to its answer: who may, when it is its turn, and what the store says.
struct CallDispatch {
  let service: ServiceContext

  /// Begins to answer `call`.
  func begin(_ call: ServerCall, _ message: ByteBuffer) throws(ServiceError) {
    // Checked and cut before it waits for its turn, so that what waits is small.
    let request = try ServiceRequest(
      call.method, message, maximumEndpoints: service.limits.endpoints)
    if service.isDraining || call.connection.isDraining { throw .shuttingDown }
    if let tokens = service.tokens {
      try tokens.check(authorization: call.credentials, cluster: request.cluster)
    }
    try takeTurn(call, Result { () throws(ServiceError) in try request.checked(by: service.limits) })
  }

  private func takeTurn(
    _ call: ServerCall, _ request: Result<ServiceRequest, ServiceError>
  ) throws(ServiceError) {
    guard let limiter = service.limiter else { return answer(call, request) }
    let now = NIODeadline.now()
    let patience = call.deadline.map { ($0 - now).nanoseconds }
    if let patience, patience <= 0 { throw .late }
    switch limiter.book(call.client, now: Int64(now.uptimeNanoseconds), patience: patience) {
    case .now: answer(call, request)
    case .refused: throw .exhausted("too many requests from this address", reason: "rate")
    case .wait(let nanoseconds):
      try service.ledger.take(1, .waitingCalls, for: call.client)
      call.keep((try? request.get())?.keptBytes ?? 0)
      let client = call.client
      call.wait(
        .nanoseconds(nanoseconds), onEnd: { service.ledger.give(1, .waitingCalls, for: client) }
      ) {
        call.keep(0)
        answer(call, request)
      }
    }
  }

  private func answer(_ call: ServerCall, _ checked: Result<ServiceRequest, ServiceError>) {
    let request: ServiceRequest
    do throws(ServiceError) { request = try checked.get() } catch { return call.end(error) }
    switch request {
    case .hello(let cluster, let version):
      do throws(ServiceError) {
        try service.limits.check(cluster: cluster)
        service.metrics.hello(version)
        call.reply(HelloMessage.make(redirect: service.redirect, address: call.address?.bytes ?? []))
      } catch {
        call.end(error)
      }
    case .update(var update):
      update.client = call.client
      complete(call, service.store.update(update)) { _ in WatchMessage.empty }
    case .delete(let cluster, let affiliate):
      complete(call, service.store.delete(cluster: cluster, affiliate: affiliate)) { _ in
        WatchMessage.empty
      }
    case .list(let cluster): complete(call, service.store.list(cluster: cluster)) { $0 }
    case .watch(let cluster): watch(call, cluster)
    }
  }

  private func watch(_ call: ServerCall, _ cluster: OpaqueID) {
    let group = call.connection.loop.group(cluster, context: service)
    do throws(ServiceError) {
      guard group.userCount < service.options.watchesOfCluster else {
        throw .exhausted("too many watchers of the cluster", reason: "watchers")
      }
      try service.ledger.take(1, .watches, for: call.client)
    } catch {
      group.releaseIfUnused()
      return call.end(error)
    }
    let watch = CallWatch(call: call, group: group)
    call.begin(watch)
    watch.askForState()
  }

  /// Sends what the store answers, now or when it does.
  private func complete<Value>(
    _ call: ServerCall, _ answer: StoreAnswer<Value>,
    _ message: @escaping @Sendable (Value) -> EncodedMessage
  ) {
    switch answer {
    case .ready(.success(let value)): call.reply(message(value))
    case .ready(.failure(let error)): call.end(error)
    case .later(let work):
      guard let eventLoop = call.connection.eventLoop else { return }
      call.endAtDeadline()
      let bound = NIOLoopBound(call, eventLoop: eventLoop)
      // The event loop is no task: what waits for the store needs one of its own, and its result comes back here.
      eventLoop.makeFutureWithTask { await work().map(message) }.whenSuccess { result in
        let call = bound.value
        guard call.isPending else { return }
        switch result {
        case .success(let message): call.reply(message)
        case .failure(let error): call.end(error)
        }
        call.connection.flushAfterEvent()
      }
    }
  }
}
