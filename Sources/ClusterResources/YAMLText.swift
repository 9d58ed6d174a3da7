import Documents

/// A resource as YAML.
public enum YAMLText {
  /// `value` as one document, four spaces to a level, ended by a line break.
  public static func text(of value: ResourceValue) -> String { YAML.text(of: [node(value)]) }

  private static func node(_ value: ResourceValue) -> YAMLNode {
    switch value {
    case .null, .bool, .integer, .time:
      YAMLNode(.scalar(YAMLScalar(value.scalarText ?? "", isPlain: true)))
    case .text(let text): YAMLNode(.scalar(YAMLScalar(text, isPlain: false)))
    case .list(let items): YAMLNode(.sequence(items.map(node)))
    case .fields(let fields):
      YAMLNode(.mapping(fields.map { YAMLPair(key: $0.name, value: node($0.value)) }))
    }
  }
}
