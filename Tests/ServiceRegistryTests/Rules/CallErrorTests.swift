import GRPCCore
import RegistryKit
import Testing

@testable import ServiceRegistry

@Suite("An error of gRPC")
struct CallErrorTests {
  @Test(
    "is told apart by what can be done about it",
    arguments: [
      (RPCError.Code.resourceExhausted, CallError.Kind.exhausted), (.invalidArgument, .refused),
      (.unauthenticated, .credentials), (.permissionDenied, .credentials), (.unavailable, .connection),
    ])
  func kinds(code: RPCError.Code, kind: CallError.Kind) throws {
    let url = try ServiceURL("http://service.test:3000")
    // As it comes: with the error that began it inside of another.
    for error in [
      RPCError(code: code, message: "m"),
      RPCError(code: code, message: "m", cause: RPCError(code: code, message: "m")),
    ] {
      let call = CallError(url, error)
      #expect(call.kind == kind)
      #expect(call.isAnswer == (kind != .connection))
    }
  }
}
