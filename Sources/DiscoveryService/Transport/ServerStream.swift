import NIOCore
import NIOHPACK
import NIOHTTP2

/// One call on one connection. Only the connection's event loop touches it.
final class ServerStream {
  /// How far a call has come.
  enum Phase {
    /// The request is still coming in.
    case receiving
    /// The request is whole and waits for its turn or for the store.
    case pending
    /// An answer is on its way, or a watch is open.
    case answering
    /// All is written or given up.
    case done
  }

  let connection: GRPCConnection
  let id: HTTP2StreamID
  let method: ServiceMethod
  let began: NIODeadline
  /// By when the client wants its answer.
  let deadline: NIODeadline?
  /// Headers that matter after the request is whole.
  let credentials: String?
  let address: ClientAddressHeaders?

  var phase = Phase.receiving
  /// The call's `grpc-encoding`.
  var encoding: String?
  var clientHasEnded = false
  var body: ByteBuffer?
  /// Request bytes for which the client has no new credit on this stream yet.
  var uncredited = 0
  /// Request bytes that are kept and count against the connection's window.
  var buffered = 0
  /// How many bytes the client takes on this stream now.
  var window: Int
  var headersSent = false
  /// The answer has begun and its headers wait until the channel can be written to.
  var owesHeaders = false
  /// The rest of a message that didn't fit the windows.
  var outgoing = ByteBuffer()
  /// Whether it has something to send and no room for it, as the connection's count has it.
  var isWaiting = false
  /// How much of the service's budget for held answers is booked for ``outgoing``.
  var booked = 0
  /// How the call ends once ``outgoing`` is sent; nil while a watch goes on.
  var ending: ServiceError??
  var watch: WatchState?
  var isCountedAsWatcher = false
  var timer: Scheduled<Void>?
  /// When the phase it's in, other than an open watch, has lasted too long.
  var patience: NIODeadline

  init(
    connection: GRPCConnection, id: HTTP2StreamID, method: ServiceMethod, head: RequestHead, window: Int,
    patience: NIODeadline
  ) {
    self.connection = connection
    self.id = id
    self.method = method
    self.window = window
    self.patience = patience
    let now = NIODeadline.now()
    began = now
    deadline = head.timeout.map { now + $0 }
    credentials = head.authorization
    address = head.address
  }
}

/// What a watch has beside its stream.
final class WatchState {
  let group: WatchGroup
  /// Its place among the group's streams, once it gets changes.
  var place: Int?
  var held = HeldChanges()
  /// The number under which the store's snapshot will come.
  var opening: UInt64?
  /// A snapshot could not be sent when it came; it is asked for anew when there is room.
  var owesSnapshot = false

  init(group: WatchGroup) { self.group = group }
}
