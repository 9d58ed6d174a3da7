import Glibc

/// A netlink socket to the kernel. It stays in the network namespace of the thread that made it. Closed when it goes.
/// Blocks until the kernel has answered, which it does at once. One thread at a time.
package final class NetlinkSocket: Sendable {
  package let file: Int32

  /// - Parameters:
  ///   - protocol: ``Netlink/route`` and the like.
  ///   - groups: the groups of changes to be told of, as bits; 0 to only ask.
  package init(_ protocol: Int32, groups: UInt32 = 0) throws(NetlinkError) {
    file = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), `protocol`)
    guard file >= 0 else { throw NetlinkError(code: errno) }
    // struct sockaddr_nl: family, padding, port (0: the kernel chooses), groups.
    var address: (UInt16, UInt16, UInt32, UInt32) = (UInt16(AF_NETLINK), 0, 0, groups)
    let size = socklen_t(MemoryLayout.size(ofValue: address))
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(file, $0, size) }
    }
    guard status == 0 else {
      let code = errno
      close(file)
      throw NetlinkError(code: code)
    }
    // Only guards against a kernel that doesn't answer.
    var timeout = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    // NETLINK_CAP_ACK: a refusal doesn't repeat what was asked, secrets and all. NETLINK_EXT_ACK: it says why.
    // NETLINK_GET_STRICT_CHK: filters in requests count. An older kernel does without.
    for option in [10, 11, 12] as [Int32] { set(option) }
  }

  deinit { close(file) }

  private func set(_ option: Int32) {
    var value: Int32 = 1
    setsockopt(file, 270, option, &value, socklen_t(MemoryLayout<Int32>.size))  // SOL_NETLINK
  }

  /// The most that one answer may have, in bytes.
  private static let maximumAnswer = 256 << 20

  /// Has the kernel do what `messages` say, one after the other in one datagram: nothing comes between, and the end
  /// of this process doesn't cut it in two.
  ///
  /// - Throws: the first refusal. What comes behind the refused one is done all the same.
  package func perform(_ messages: [NetlinkMessage]) throws(NetlinkError) {
    try send(messages, adding: .acknowledge)
    var refusal: NetlinkError?
    var missing = Set(messages.indices.map(UInt32.init))
    while !missing.isEmpty {
      for answer in try receive() where answer.type == Netlink.error {
        if missing.remove(answer.sequence &- 1) != nil, refusal == nil { refusal = answer.refusal }
      }
    }
    if let refusal { throw refusal }
  }

  /// Has the kernel do what one message says.
  package func perform(_ message: NetlinkMessage) throws(NetlinkError) { try perform([message]) }

  /// The one message that answers `message`.
  package func answer(to message: NetlinkMessage) throws(NetlinkError) -> NetlinkMessage {
    try send([message], adding: .acknowledge)
    var result: NetlinkMessage?
    while true {
      for answer in try receive() where answer.sequence == 1 {
        guard answer.type == Netlink.error else {
          result = answer
          continue
        }
        if let refusal = answer.refusal { throw refusal }
        guard let result else { throw .malformed }
        return result
      }
    }
  }

  /// All messages that answer `message`, a request to tell all there are.
  ///
  /// - Throws: `EAGAIN` where it changes each time while it is read.
  package func dump(_ message: NetlinkMessage) throws(NetlinkError) -> [NetlinkMessage] {
    // A change while the kernel answers makes the answer worthless; it is asked again, a few times.
    for _ in 0..<8 { if let answers = try dumpOnce(message) { return answers } }
    throw NetlinkError(code: EAGAIN, explanation: "it keeps changing while it is read")
  }

  /// - Returns: nil where the answer was interrupted by a change.
  private func dumpOnce(_ message: NetlinkMessage) throws(NetlinkError) -> [NetlinkMessage]? {
    try send([message], adding: .dump)
    var answers: [NetlinkMessage] = []
    var size = 0
    var isInterrupted = false
    while true {
      for answer in try receive() where answer.sequence == 1 {
        // It is read to its end all the same: the kernel refuses to be asked anew before (EBUSY).
        if answer.flags.contains(.isInterrupted) { isInterrupted = true }
        switch answer.type {
        case Netlink.done, Netlink.error:
          if let refusal = answer.refusal { throw refusal }
          return isInterrupted ? nil : answers
        default:
          size += answer.body.count
          guard size <= Self.maximumAnswer else { throw NetlinkError(code: EMSGSIZE) }
          answers.append(answer)
        }
      }
    }
  }

  private func send(_ messages: [NetlinkMessage], adding flags: Netlink.Flags) throws(NetlinkError) {
    var bytes: [UInt8] = []
    for (position, message) in messages.enumerated() {
      var message = message
      message.sequence = UInt32(position) &+ 1
      message.flags.formUnion([.request, flags])
      bytes += message.bytes
    }
    // NETLINK_NO_ENOBUFS isn't wanted: a lost answer is an error.
    while Glibc.send(file, bytes, bytes.count, 0) != bytes.count {
      guard errno == EINTR else { throw NetlinkError(code: errno) }
    }
  }

  private func receive() throws(NetlinkError) -> [NetlinkMessage] {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      // MSG_TRUNC: the length that the datagram has, more than the buffer's where it was cut off.
      let count = recv(file, &buffer, buffer.count, Int32(MSG_TRUNC))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let code = errno
        throw code == EAGAIN
          ? NetlinkError(code: ETIMEDOUT, explanation: "the kernel doesn't answer") : NetlinkError(code: code)
      }
      guard count <= buffer.count else { throw NetlinkError(code: EMSGSIZE) }
      return try NetlinkMessage.read(buffer[..<count])
    }
  }

  /// Reads away what is waiting, without waiting for more.
  package func drain() {
    var buffer = [UInt8](repeating: 0, count: 8192)
    // ENOBUFS means that changes were lost: a change like another.
    while recv(file, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 || errno == EINTR {}
  }
}
