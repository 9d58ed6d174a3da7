import ClusterModel
import FoundationEssentials

/// A type that options of any `Decodable` type may have, and that isn't decoded as it says of itself but as a
/// person writes it.
protocol WrittenOption: Sendable {
  static var optionType: OptionType<Self> { get }
}

extension String: WrittenOption { static var optionType: OptionType<String> { .text } }
extension Bool: WrittenOption { static var optionType: OptionType<Bool> { .flag } }
extension Double: WrittenOption { static var optionType: OptionType<Double> { .number } }
extension Int: WrittenOption { static var optionType: OptionType<Int> { .integer } }
extension Int8: WrittenOption { static var optionType: OptionType<Int8> { .integer } }
extension Int16: WrittenOption { static var optionType: OptionType<Int16> { .integer } }
extension Int32: WrittenOption { static var optionType: OptionType<Int32> { .integer } }
extension Int64: WrittenOption { static var optionType: OptionType<Int64> { .integer } }
extension Int128: WrittenOption { static var optionType: OptionType<Int128> { .integer } }
extension UInt: WrittenOption { static var optionType: OptionType<UInt> { .integer } }
extension UInt8: WrittenOption { static var optionType: OptionType<UInt8> { .integer } }
extension UInt16: WrittenOption { static var optionType: OptionType<UInt16> { .integer } }
extension UInt32: WrittenOption { static var optionType: OptionType<UInt32> { .integer } }
extension UInt64: WrittenOption { static var optionType: OptionType<UInt64> { .integer } }
extension UInt128: WrittenOption { static var optionType: OptionType<UInt128> { .integer } }
extension Duration: WrittenOption { static var optionType: OptionType<Duration> { .duration } }
extension IPAddress: WrittenOption { static var optionType: OptionType<IPAddress> { .ip } }
extension IPPrefix: WrittenOption { static var optionType: OptionType<IPPrefix> { .cidr } }
extension IPEndpoint: WrittenOption { static var optionType: OptionType<IPEndpoint> { .endpoint } }
extension URL: WrittenOption { static var optionType: OptionType<URL> { .uri } }
extension Secret: WrittenOption { static var optionType: OptionType<Secret> { .secret } }
extension SecretBytes: WrittenOption { static var optionType: OptionType<SecretBytes> { .base64 } }

extension Float: WrittenOption {
  static var optionType: OptionType<Float> {
    OptionType(
      SchemaNode(.number), read: { Float($0.number ?? 0) }, write: { .number(Double($0)) })
  }
}
