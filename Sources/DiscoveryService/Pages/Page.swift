import NIOHTTP1

/// What a page request is answered with.
struct Page: Sendable {
  var status = HTTPResponseStatus.ok
  var contentType = "text/plain; charset=utf-8"
  var body: String
  var securityPolicy: String?

  init(status: HTTPResponseStatus = .ok, text: String) {
    self.status = status
    body = text
  }

  /// Data for a page's script.
  init(json: String) {
    contentType = "application/json"
    body = json
    securityPolicy = "default-src 'none'; frame-ancestors 'none'"
  }

  /// What a page's script may do.
  struct Script {
    /// The script that carries it runs, no other does.
    var nonce: String
    /// Whether it may send requests to this service; to others it never may.
    var asksService: Bool
  }

  /// A page of HTML that may load nothing and, but for its script, send nothing anywhere.
  init(status: HTTPResponseStatus = .ok, title: String, html: String, script: Script? = nil) {
    self.status = status
    contentType = "text/html; charset=utf-8"
    body = """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>\(Self.escaped(title))</title>
      <meta name="viewport" content="width=device-width, initial-scale=1"><style>\(Self.style)</style></head>
      <body><header><a href="/">Discovery service</a> <a href="/inspect">Inspect</a> \
      <a href="/stats">Statistics</a></header>
      <main><h1>\(Self.escaped(title))</h1>\(html)</main></body></html>

      """
    let source = script.map { "'nonce-\($0.nonce)'" } ?? "'none'"
    let peer = script?.asksService == true ? "'self'" : "'none'"
    securityPolicy =
      "default-src 'none'; style-src 'unsafe-inline'; script-src \(source); connect-src \(peer); "
      + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
  }

  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static let style = """
    body{font:15px/1.5 system-ui,sans-serif;margin:0;color:#1b1f24;background:#fff}
    header{padding:.7rem 1.2rem;border-bottom:1px solid #d5dae0}header a{margin-right:1rem}
    main{padding:0 1.2rem 2rem;max-width:75rem}code,td{font:13px/1.5 ui-monospace,monospace}
    table{border-collapse:collapse;margin-top:1rem}th,td{text-align:left;vertical-align:top;
    padding:.3rem .8rem .3rem 0;border-bottom:1px solid #e5e9ee;word-break:break-all}
    th{font-weight:600;white-space:nowrap}label{display:block;margin:.6rem 0}input{font:inherit;width:30rem;max-width:100%}
    @media(prefers-color-scheme:dark){body{background:#14171a;color:#dde2e7}a{color:#8ab8ff}
    header,th,td{border-color:#333a41}}
    """
}
