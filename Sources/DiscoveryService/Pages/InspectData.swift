import NIOCore
import Platform

/// What the service keeps of a cluster as pages show it: ids as text, sealed bytes in hex.
struct InspectData {
  struct Affiliate {
    var id = ""
    var data = ""
    var endpoints: [String] = []
  }

  /// In the order of their ids.
  let affiliates: [Affiliate]

  /// What an encoded `ListResponse` holds.
  init(_ message: EncodedMessage) {
    var body = message
    body.moveReaderIndex(forwardBy: min(5, body.readableBytes))
    affiliates = body.withUnsafeReadableBytes { Self.decode($0) }.sorted { $0.id < $1.id }
  }

  private static func decode(_ raw: UnsafeRawBufferPointer) -> [Affiliate] {
    var result: [Affiliate] = []
    var reader = ProtobufReader(raw)
    while let (field, value) = try? reader.next(), field == 1, var inner = try? value.message() {
      var affiliate = Affiliate()
      while let (field, value) = try? inner.next() {
        let bytes = (try? value.copied()) ?? []
        switch field {
        case 1: affiliate.id = String(decoding: bytes, as: UTF8.self)
        case 2: affiliate.data = hex(bytes)
        case 3: affiliate.endpoints.append(hex(bytes))
        default: break
        }
      }
      result.append(affiliate)
    }
    return result
  }

  /// `{"affiliates":[{"id":"…","data":"hex","endpoints":["hex"]}]}`.
  var json: String {
    let items = affiliates.map { affiliate in
      let endpoints = affiliate.endpoints.map { "\"\($0)\"" }.joined(separator: ",")
      return
        "{\"id\":\(jsonString(affiliate.id)),\"data\":\"\(affiliate.data)\",\"endpoints\":[\(endpoints)]}"
    }
    return "{\"affiliates\":[\(items.joined(separator: ","))]}\n"
  }

  static func hex(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: bytes.count * 2) { text in
      for (index, byte) in bytes.enumerated() {
        text[index * 2] = digit(byte >> 4)
        text[index * 2 + 1] = digit(byte & 15)
      }
      return bytes.count * 2
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}
