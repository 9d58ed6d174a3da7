import Exposition
import Testing

@Suite struct ExpositionTests {
  @Test(
    "the format is the one that the reader likes best",
    arguments: [
      (nil, .prometheus), ("", .prometheus), ("*/*", .prometheus), ("text/html", .prometheus),
      ("application/openmetrics-text", .openMetrics),
      (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
          + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
      ),
      ("application/openmetrics-text; version=9.0.0, text/plain;q=0.1", .prometheus),
      ("text/plain;q=0.9, Application/OpenMetrics-Text;q=0.8", .prometheus),
      ("application/openmetrics-text;q=x", .prometheus), ("application/openmetrics-text;q=0", .prometheus),
    ] as [(String?, ExpositionFormat)])
  func formats(accept: String?, format: ExpositionFormat) {
    #expect(ExpositionFormat(accept: accept) == format)
  }

  private func page(_ format: ExpositionFormat) -> String {
    let histogram = Histogram(bounds: [0.5, 1])
    histogram.observe(.milliseconds(400))
    histogram.observe(.seconds(1))
    histogram.observe(.seconds(-1))
    histogram.observe(Duration(secondsComponent: .max, attosecondsComponent: 0))
    var page = ExpositionText(format)
    page.start("a_total", .counter, "A \"thing\".")
    page.sample("a_total", [("l", "x\"\\\n")], 3)
    page.start("b_seconds", .histogram, "B.")
    page.histogram("b_seconds", [], histogram)
    return page.text
  }

  @Test("Prometheus' text")
  func prometheus() {
    #expect(
      page(.prometheus).hasPrefix(
        """
        # HELP a_total A "thing".
        # TYPE a_total counter
        a_total{l="x\\"\\\\\\n"} 3
        # HELP b_seconds B.
        # TYPE b_seconds histogram
        b_seconds_bucket{le="0.5"} 2
        b_seconds_bucket{le="1"} 3
        b_seconds_bucket{le="+Inf"} 4
        b_seconds_sum\u{20}
        """))
  }

  @Test(
    "OpenMetrics' text names a counter's family without its suffix, writes bounds as decimals, and has an end"
  )
  func openMetrics() {
    let text = page(.openMetrics)
    #expect(text.hasPrefix("# HELP a A \\\"thing\\\".\n# TYPE a counter\na_total{"))
    #expect(text.contains("le=\"1.0\"") && text.hasSuffix("b_seconds_count 4\n# EOF\n"))
  }
}
