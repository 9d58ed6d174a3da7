public import ClusterModel
public import Sealing
import SwiftProtobuf

/// Seals what a node leaves with the discovery service, and opens what others left there.
///
/// Affiliate data is AES-256-GCM with a random nonce: nonce, ciphertext, tag. An endpoint is AES-256 block by
/// block, so that equal endpoints are equal bytes and the service can drop duplicates without the key.
public struct AffiliateCipher: Sendable {
  /// The most bytes of sealed affiliate data that a discovery service takes.
  public static let maximumDataLength = 2048
  /// The most bytes that are tried to be opened: far more than any service takes.
  public static let maximumOpenLength = 1 << 16
  /// The most endpoints of one affiliate that are opened; a service has up to 64.
  public static let maximumEndpointCount = 256

  private let cipher: BlockCipher

  /// The cipher of a cluster's nodes.
  public init(key: ClusterKey) { cipher = BlockCipher(key: key) }

  // MARK: Affiliate data

  /// `affiliate` as sealed affiliate data. Different bytes each time.
  ///
  /// Endpoints aren't in it: they are sealed one by one. Excluded networks aren't either: the message has no
  /// field for them.
  public func seal(_ affiliate: Affiliate) throws(SealError) -> [UInt8] {
    try seal(PlainAffiliate(affiliate))
  }

  /// `message`, with whatever unknown fields it has, as sealed affiliate data. Different bytes each time.
  public func seal(_ message: PlainAffiliate) throws(SealError) -> [UInt8] {
    guard let plain: [UInt8] = try? message.serializedBytes(), let nonce = BlockCipher.randomNonce(),
      let sealed = cipher.encryptAuthenticated(plain, nonce: nonce)
    else { throw .unavailable }
    guard sealed.count <= Self.maximumDataLength else {
      throw .tooBig(byteCount: sealed.count, limit: Self.maximumDataLength)
    }
    return sealed
  }

  /// `message` without what Rollcall alone reads of it, as far as a service has no room for that.
  ///
  /// What all programs read comes first, then the machine's id, then the labels in their order, each one that still
  /// has room.
  public static func fitting(_ message: PlainAffiliate) -> FittedAffiliate {
    func length(_ message: PlainAffiliate) -> Int { (try? message.serializedBytes() as [UInt8])?.count ?? 0 }
    var fitted = FittedAffiliate(message: message, omittedLabels: [])
    fitted.message.labels = []
    fitted.message.machineID = .init()
    var room = maximumDataLength - BlockCipher.nonceLength - BlockCipher.tagLength - length(fitted.message)
    let machineID = PlainAffiliate.with { $0.machineID = message.machineID }
    if length(machineID) <= room {
      room -= length(machineID)
      fitted.message.machineID = message.machineID
    }
    for label in message.labels {
      let cost = length(.with { $0.labels = [label] })
      guard cost <= room else {
        fitted.omittedLabels.append(label.key)
        continue
      }
      room -= cost
      fitted.message.labels.append(label)
    }
    return fitted
  }

  /// The message in sealed affiliate `data`, unknown fields included.
  public func openMessage(_ data: some Collection<UInt8>) throws(OpenError) -> PlainAffiliate {
    let least = BlockCipher.nonceLength + BlockCipher.tagLength
    guard (least...Self.maximumOpenLength).contains(data.count) else {
      throw OpenError(.length, "its data has \(data.count) bytes, not \(least) to \(Self.maximumOpenLength)")
    }
    guard let plain = cipher.decryptAuthenticated(Array(data)) else {
      throw OpenError(.notTheKey, "its data wasn't sealed with this cluster's secret, or was changed")
    }
    guard let message = try? PlainAffiliate(serializedBytes: plain) else {
      throw OpenError(.malformed, "its data isn't an affiliate message")
    }
    return message
  }

  /// What the service told under `affiliate.id`.
  ///
  /// - Returns: the affiliate and what of it had to be left out; nil where the service has no data of it.
  /// - Throws: where nothing of it can be used.
  public func open(_ affiliate: WireAffiliate) throws(OpenError) -> OpenedAffiliate? {
    guard let nodeID = try? NodeIdentity(affiliate.id) else {
      throw OpenError(.identity, "\(quoted(affiliate.id)) isn't a node identity")
    }
    guard !affiliate.data.isEmpty else { return nil }
    let message = try openMessage(affiliate.data)
    guard message.nodeID == affiliate.id else {
      throw OpenError(
        .identityMismatch, "its data is of another node, \(quoted(message.nodeID))")
    }
    var opened = OpenedAffiliate(message, nodeID: nodeID)
    opened.checkAddresses()
    opened.take(openEndpoints(affiliate.endpoints))
    return opened
  }

  // MARK: Endpoints

  /// `endpoint` sealed. The same bytes each time.
  public func seal(_ endpoint: IPEndpoint) throws(SealError) -> [UInt8] {
    var message = PlainEndpoint()
    message.ip = .init(endpoint.address.bytes)
    message.port = UInt32(endpoint.port)
    guard let body: [UInt8] = try? message.serializedBytes(), let length = UInt8(exactly: body.count) else {
      throw .unavailable
    }
    var plain = [length] + body
    let partial = plain.count % BlockCipher.blockLength
    if partial > 0 { plain += [UInt8](repeating: 0, count: BlockCipher.blockLength - partial) }
    guard let sealed = cipher.encryptBlocks(plain) else { throw .unavailable }
    return sealed
  }

  /// The endpoint in `sealed`.
  ///
  /// Nothing authenticates an endpoint, so what wasn't made with the key is told by what can't be: a length
  /// byte beyond the last block, padding that isn't zero, a message that isn't one.
  public func openEndpoint(_ sealed: some Collection<UInt8>) throws(OpenError) -> IPEndpoint {
    let block = BlockCipher.blockLength
    guard !sealed.isEmpty, sealed.count % block == 0, sealed.count <= 256 else {
      throw OpenError(.length, "an endpoint has \(sealed.count) bytes, not a few blocks of \(block)")
    }
    guard let plain = cipher.decryptBlocks(Array(sealed)) else {
      throw OpenError(.notTheKey, "an endpoint can't be decrypted")
    }
    let length = Int(plain[0])
    let padding = plain.count - 1 - length
    guard (0..<block).contains(padding), plain.suffix(padding).allSatisfy({ $0 == 0 }) else {
      throw OpenError(
        .lengthByte, "an endpoint's length byte is wrong: it wasn't sealed with this cluster's secret")
    }
    guard let message = try? PlainEndpoint(serializedBytes: Array(plain[1..<(1 + length)])) else {
      throw OpenError(.malformed, "an endpoint was opened but is none")
    }
    let address = try ItemReader.address(message.ip, "an endpoint")
    guard let port = UInt16(exactly: message.port), port > 0 else {
      throw OpenError(.port, "an endpoint has port \(message.port)")
    }
    return IPEndpoint(address: address, port: port)
  }

  /// The endpoints in `sealed` that can be opened, each once, and what is wrong with the others.
  public func openEndpoints(
    _ sealed: some Collection<some Collection<UInt8>>
  ) -> (endpoints: [IPEndpoint], skipped: [OpenError]) {
    var endpoints: [IPEndpoint] = []
    var skipped: [OpenError] = []
    var seen: Set<IPEndpoint> = []
    for item in sealed.prefix(Self.maximumEndpointCount) {
      do throws(OpenError) {
        let endpoint = try openEndpoint(item)
        if seen.insert(endpoint).inserted { endpoints.append(endpoint) }
      } catch {
        skipped.append(error)
      }
    }
    if sealed.count > Self.maximumEndpointCount {
      skipped.append(
        OpenError(.count, "it has \(sealed.count) endpoints, \(Self.maximumEndpointCount) are taken"))
    }
    return (endpoints, skipped)
  }
}
