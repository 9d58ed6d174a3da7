package import NIOCore
package import NIOHTTP1
import NIOHTTPCompression

/// A connection that speaks HTTP/1.1, one request after the other. What is answered is read as fast as it is taken.
///
/// It closes when a task that waits for it is cancelled.
package final class HTTPConnection: Sendable {
  private let channel: any Channel
  private let reader: NIOLoopBound<AnswerReader>

  /// Adds what speaks HTTP to `channel`, on its event loop.
  package init(_ channel: any Channel) throws {
    self.channel = channel
    let reader = AnswerReader(channel.eventLoop)
    self.reader = NIOLoopBound(reader, eventLoop: channel.eventLoop)
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHTTPClientHandlers()
    // Compression isn't asked for, but something on the way may do it all the same. What is read is bounded by its
    // readers.
    try pipeline.addHandler(NIOHTTPResponseDecompressor(limit: .none))
    try pipeline.addHandler(reader)
    try channel.syncOptions?.setOption(.autoRead, value: false)
  }

  /// Sends a request, and waits for the head of its answer.
  package func send(_ head: HTTPRequestHead, body: ByteBuffer?) async throws -> HTTPResponseHead {
    try await closingOnCancel { [channel, reader] in
      channel.eventLoop.flatSubmit {
        do {
          try reader.value.begin()
        } catch {
          return channel.eventLoop.makeFailedFuture(error)
        }
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let body { channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil) }
        let sent = channel.eventLoop.makePromise(of: Void.self)
        // The answer may come all the same: of a server that refuses what it hasn't read.
        sent.futureResult.whenFailure { reader.value.writeFailed($0) }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: sent)
        return reader.value.next()
      }
    }.head
  }

  /// The next piece of the answer's body; nil at its end.
  package func next() async throws -> ByteBuffer? {
    try await closingOnCancel { [channel, reader] in
      channel.eventLoop.flatSubmit { reader.value.next() }
    }.body
  }

  /// Makes it ready for another request, if its answer was read to its end and the server keeps it.
  ///
  /// - Parameter idleLimit: after which it closes by itself.
  /// - Returns: whether it is.
  package func release(idleLimit: TimeAmount) async -> Bool {
    let isReusable = channel.eventLoop.submit { [channel, reader] in
      let isReusable = reader.value.rest(for: idleLimit)
      if !isReusable { channel.close(promise: nil) }
      return isReusable
    }
    return (try? await isReusable.get()) ?? false
  }

  /// Whether it is still there.
  package var isOpen: Bool { channel.isActive }

  package func close() { channel.close(promise: nil) }

  private func closingOnCancel(
    _ body: @Sendable () -> EventLoopFuture<AnswerReader.Piece>
  ) async throws -> AnswerReader.Piece {
    try await withTaskCancellationHandler {
      try Task.checkCancellation()
      return try await body().get()
    } onCancel: {
      close()
    }
  }
}

/// The connection ended before the answer did.
package struct AnswerCutOff: Error {
  /// Whether nothing of the answer had come.
  package var isBeforeAnswer: Bool
}

/// Gives out an answer piece by piece, and asks for more only when somebody waits for that.
private final class AnswerReader: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart

  enum Piece: Sendable {
    case head(HTTPResponseHead)
    case body(ByteBuffer)
    case end

    var head: HTTPResponseHead {
      get throws {
        guard case .head(let head) = self else { throw HTTPParserError.invalidConstant }
        return head
      }
    }

    var body: ByteBuffer? {
      get throws {
        switch self {
        case .head: throw HTTPParserError.invalidConstant
        case .body(let bytes): bytes
        case .end: nil
        }
      }
    }
  }

  private enum State {
    /// Nothing is asked for.
    case idle
    /// Nothing of the answer has come.
    case asked
    case answering(keepsAlive: Bool)
    case failed(any Error)
  }

  private let eventLoop: any EventLoop
  private var state = State.idle
  private var pieces = CircularBuffer<Piece>()
  private var waiter: EventLoopPromise<Piece>?
  private var writeError: (any Error)?
  private var context: ChannelHandlerContext?
  private var idleTimer: Scheduled<Void>?

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  /// A request is about to be sent.
  func begin() throws {
    idleTimer?.cancel()
    switch state {
    case .idle: state = .asked
    case .failed(let error): throw error
    case .asked, .answering: throw AnswerCutOff(isBeforeAnswer: true)
    }
  }

  func writeFailed(_ error: any Error) { writeError = writeError ?? error }

  func next() -> EventLoopFuture<Piece> {
    if let piece = pieces.popFirst() { return eventLoop.makeSucceededFuture(piece) }
    if case .failed(let error) = state { return eventLoop.makeFailedFuture(error) }
    guard let context else { return eventLoop.makeFailedFuture(AnswerCutOff(isBeforeAnswer: false)) }
    let promise = eventLoop.makePromise(of: Piece.self)
    waiter = promise
    context.read()
    return promise.futureResult
  }

  /// Waits for the next request.
  ///
  /// - Returns: false where there can't be one.
  func rest(for limit: TimeAmount) -> Bool {
    guard let context, case .answering(true) = state, isAtEnd, pieces.isEmpty, context.channel.isActive else {
      return false
    }
    state = .idle
    isAtEnd = false
    idleTimer = eventLoop.assumeIsolated().scheduleTask(in: limit) { context.close(promise: nil) }
    // So that its end is noticed.
    context.read()
    return true
  }

  /// Whether all of the answer was given out.
  private var isAtEnd = false

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), state) {
    case (.head(let head), .asked):
      state = .answering(keepsAlive: head.isKeepAlive)
      give(.head(head))
    case (.body(let bytes), .answering): give(.body(bytes))
    case (.end, .answering):
      isAtEnd = true
      give(.end)
    default:
      // Something that nobody has asked for.
      fail(AnswerCutOff(isBeforeAnswer: false))
      context.close(promise: nil)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    // What was read wasn't a whole piece.
    if waiter != nil { context.read() }
    context.fireChannelReadComplete()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail(error)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    idleTimer?.cancel()
    if case .answering = state {
      if !isAtEnd { fail(AnswerCutOff(isBeforeAnswer: false)) }
    } else {
      fail(writeError ?? AnswerCutOff(isBeforeAnswer: true))
    }
    context.fireChannelInactive()
  }

  private func give(_ piece: Piece) {
    if let waiter {
      self.waiter = nil
      waiter.succeed(piece)
    } else {
      pieces.append(piece)
    }
  }

  private func fail(_ error: any Error) {
    if case .failed = state { return }
    state = .failed(error)
    if let waiter {
      self.waiter = nil
      waiter.fail(error)
    }
  }
}
