public import Foundation
import TestSupport

/// A page of a browser, with cookies and storage of its own.
public struct BrowserPage: Sendable {
  private let browser: Browser
  private let context: String
  private let target: String
  private let session: String

  /// Opens an empty one.
  ///
  /// - Parameter script: runs in each document before its own scripts.
  public init(width: Int = 1280, height: Int = 800, script: String? = nil) async throws {
    browser = try Browser.shared()
    context = try await Self.text("browserContextId", browser.send("Target.createBrowserContext"))
    target = try await Self.text(
      "targetId",
      browser.send("Target.createTarget", ["url": "about:blank", "browserContextId": context]))
    session = try await Self.text(
      "sessionId", browser.send("Target.attachToTarget", ["targetId": target, "flatten": true]))
    for domain in ["Page", "Runtime", "Log", "Network"] { try await send("\(domain).enable") }
    // Of the page's own thread: what else the machine does meanwhile doesn't count.
    try await send("Performance.enable", ["timeDomain": "threadTicks"])
    if let script { try await send("Page.addScriptToEvaluateOnNewDocument", ["source": script]) }
    try await resize(width, height)
  }

  private static func text(_ key: String, _ answer: Data) throws -> String {
    let object = try JSONSerialization.jsonObject(with: answer) as? [String: Any]
    guard let text = object?[key] as? String else {
      throw Browser.Failure(description: "the browser's answer has no \(key)")
    }
    return text
  }

  /// Closes it.
  public func close() async throws {
    try await browser.send("Target.disposeBrowserContext", ["browserContextId": context])
    browser.forget(session)
  }

  /// Sends a command to it.
  @discardableResult
  public func send(_ method: String, _ parameters: [String: Any] = [:]) async throws -> Data {
    try await browser.send(method, parameters, session: session)
  }

  // MARK: Looking

  public func resize(_ width: Int, _ height: Int) async throws {
    try await send(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500])
  }

  /// What the system prefers: `prefers-color-scheme`, `prefers-reduced-motion`.
  public func prefer(_ features: [String: String]) async throws {
    try await send(
      "Emulation.setEmulatedMedia", ["features": features.map { ["name": $0.key, "value": $0.value] }])
  }

  public func go(to address: String) async throws { try await send("Page.navigate", ["url": address]) }

  /// The value of an expression of JavaScript.
  public func value<Value: Decodable>(_ expression: String, as type: Value.Type = Value.self) async throws
    -> Value
  {
    let data = try await send(
      "Runtime.evaluate",
      [
        "expression": expression, "returnByValue": true, "awaitPromise": true,
        "allowUnsafeEvalBlockedByCSP": false,
      ])
    let answer = try JSONDecoder().decode(Evaluation<Value>.self, from: data)
    if let exception = answer.exceptionDetails {
      throw Browser.Failure(
        description: "\(expression): \(exception.exception?.description ?? exception.text)")
    }
    guard let value = answer.result.value else {
      throw Browser.Failure(description: "\(expression) has no value")
    }
    return value
  }

  public func text(_ expression: String) async throws -> String { try await value("String(\(expression))") }
  public func run(_ statements: String) async throws {
    let _: Bool = try await value("(async () => { \(statements); return true; })()")
  }

  /// Waits until an expression is true. What fails meanwhile, as while a document is replaced, is false.
  public func until(_ condition: String, within timeout: Duration = .seconds(60)) async throws {
    do {
      try await eventually(condition, within: timeout) {
        (try? await value("Boolean(\(condition))", as: Bool.self)) ?? false
      }
    } catch {
      let shown = try? await text("document.body.innerText.slice(0, 2000)")
      throw NotInTime(description: "\(error)\nthe page shows:\n\(shown ?? "nothing")\n\(trouble)")
    }
  }

  /// What is to be seen, as PNG.
  public func screenshot() async throws -> Data {
    let data = try await Self.text("data", send("Page.captureScreenshot", ["format": "png"]))
    guard let image = Data(base64Encoded: data) else {
      throw Browser.Failure(description: "the browser's picture isn't Base64")
    }
    return image
  }

  /// What went wrong by the browser's own account: exceptions, violations of the policy, what couldn't be loaded.
  public var trouble: [String] {
    browser.events(of: session).compactMap { data in
      guard let event = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any],
        let parameters = event["params"] as? [String: Any]
      else { return nil }
      switch event["method"] as? String {
      case "Runtime.exceptionThrown":
        let details = parameters["exceptionDetails"] as? [String: Any]
        let exception = details?["exception"] as? [String: Any]
        return "exception: \(exception?["description"] ?? details?["text"] ?? "")"
      case "Log.entryAdded":
        let entry = parameters["entry"] as? [String: Any]
        return "\(entry?["source"] ?? ""): \(entry?["text"] ?? "") \(entry?["url"] ?? "")"
      case "Runtime.consoleAPICalled": return "console: \(parameters["args"] ?? "")"
      case "Page.javascriptDialogOpening": return "a dialog: \(parameters["message"] ?? "")"
      default: return nil
      }
    }
  }

  /// The cookies that it has, as the browser keeps them.
  public func cookies() async throws -> [[String: Any]] {
    let answer =
      try JSONSerialization.jsonObject(with: await send("Network.getCookies")) as? [String: Any]
    return answer?["cookies"] as? [[String: Any]] ?? []
  }

  /// The browser's own figures: `TaskDuration`, `ScriptDuration`, `LayoutDuration` in seconds of
  /// the processor.
  public func metrics() async throws -> [String: Double] {
    struct Answer: Decodable {
      struct Metric: Decodable {
        let name: String
        let value: Double
      }
      let metrics: [Metric]
    }
    let answer = try JSONDecoder().decode(Answer.self, from: await send("Performance.getMetrics"))
    return Dictionary(answer.metrics.map { ($0.name, $0.value) }) { $1 }
  }

  // MARK: Doing

  /// Presses keys one after the other: a character, or a name such as `Enter` or `ArrowDown`.
  public func press(_ keys: String...) async throws {
    for key in keys {
      let code: Int =
        switch key {
        case "Backspace": 8
        case "Tab": 9
        case "Enter": 13
        case "Escape": 27
        case "PageDown": 34
        case "End": 35
        case "Home": 36
        case "ArrowUp": 38
        case "ArrowDown": 40
        default: Int(key.uppercased().utf8.first ?? 0)
        }
      var event: [String: Any] = ["key": key, "code": key, "windowsVirtualKeyCode": code]
      if key.count == 1 { event["text"] = key }
      if key == "Enter" { event["text"] = "\r" }
      try await send("Input.dispatchKeyEvent", event.merging(["type": "keyDown"]) { $1 })
      try await send("Input.dispatchKeyEvent", event.merging(["type": "keyUp"]) { $1 })
    }
  }

  /// Writes `text` where the focus is.
  public func type(_ text: String) async throws { try await send("Input.insertText", ["text": text]) }

  /// Clicks the middle of the first element of a selector.
  public func click(_ selector: String) async throws {
    let point: [Double] = try await value(
      """
      (() => { const e = document.querySelector(\(Self.quoted(selector))); e.scrollIntoView({block: "nearest"});
      const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()
      """)
    try await mouse("mouseMoved", point)
    try await mouse("mousePressed", point)
    try await mouse("mouseReleased", point)
  }

  /// Drags from one point to another.
  public func drag(from start: [Double], to end: [Double]) async throws {
    try await mouse("mouseMoved", start)
    try await mouse("mousePressed", start)
    try await mouse("mouseMoved", end)
    try await mouse("mouseReleased", end)
  }

  /// Moves the pointer there.
  public func point(at point: [Double]) async throws { try await mouse("mouseMoved", point) }

  private func mouse(_ type: String, _ point: [Double]) async throws {
    let isMove = type == "mouseMoved"
    try await send(
      "Input.dispatchMouseEvent",
      [
        "type": type, "x": point[0], "y": point[1], "button": isMove ? "none" : "left",
        "buttons": isMove ? 0 : 1, "clickCount": isMove ? 0 : 1,
      ])
  }

  /// Looks at another page in front of this one until `body` has ended, so that this one is hidden.
  public func hidden(_ body: () async throws -> Void) async throws {
    let other = try await Self.text(
      "targetId",
      browser.send("Target.createTarget", ["url": "about:blank", "browserContextId": context]))
    try await browser.send("Target.activateTarget", ["targetId": other])
    try await until("document.visibilityState === 'hidden'")
    try await body()
    try await browser.send("Target.activateTarget", ["targetId": target])
    try await until("document.visibilityState === 'visible'")
    try await browser.send("Target.closeTarget", ["targetId": other])
  }

  /// `text` as a literal of JavaScript.
  public static func quoted(_ text: String) -> String {
    let data = try? JSONSerialization.data(withJSONObject: text, options: .fragmentsAllowed)
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
  }
}

/// What comes of an expression.
private struct Evaluation<Value: Decodable>: Decodable {
  struct Result: Decodable { let value: Value? }
  struct Exception: Decodable {
    struct Thrown: Decodable { let description: String? }
    let text: String
    let exception: Thrown?
  }

  let result: Result
  let exceptionDetails: Exception?
}
