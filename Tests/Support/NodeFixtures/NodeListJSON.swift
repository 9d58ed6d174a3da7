/// The JSON of answers about Nodes.
public enum NodeListJSON {
  /// A page of a list, as an API server writes it.
  public static func list(
    _ items: some Sequence<String>, resourceVersion: Int, continueToken: String = "", remaining: Int = 0
  ) -> String {
    let more =
      continueToken.isEmpty ? "" : ",\"continue\":\"\(continueToken)\",\"remainingItemCount\":\(remaining)"
    return """
      {"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"\(resourceVersion)"\(more)},\
      "items":[\(items.joined(separator: ","))]}

      """
  }

  /// A line of a watch. `type` is `ADDED`, `MODIFIED` or `DELETED`.
  public static func event(_ type: String, _ object: String) -> String {
    "{\"type\":\"\(type)\",\"object\":\(object)}\n"
  }

  /// A bookmark as a line of a watch.
  public static func bookmark(resourceVersion: Int, initialEventsEnd: Bool = false) -> String {
    let annotations = initialEventsEnd ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : ""
    return event(
      "BOOKMARK",
      """
      {"kind":"Node","apiVersion":"v1","metadata":{"resourceVersion":"\(resourceVersion)",\
      "creationTimestamp":null\(annotations)},"spec":{},"status":{"daemonEndpoints":{"kubeletEndpoint":\
      {"Port":0}},"nodeInfo":{"machineID":"","systemUUID":"","bootID":"","kernelVersion":"","osImage":"",\
      "containerRuntimeVersion":"","kubeletVersion":"","kubeProxyVersion":"","operatingSystem":"",\
      "architecture":""}}}
      """)
  }

  /// A Status of failure.
  public static func status(code: Int, reason: String, message: String) -> String {
    """
    {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"\(message)",\
    "reason":"\(reason)","code":\(code)}
    """
  }
}
