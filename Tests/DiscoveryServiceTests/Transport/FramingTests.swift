import NIOCore
import Testing

@testable import DiscoveryService

extension OverTheNetwork {
  @Suite("gRPC framing")
  struct FramingTests {
    private func status(
      _ body: [UInt8]?, headers: [String: String] = [:], method: String = "List"
    ) async throws -> TestClient.Answer {
      var result = TestClient.Answer()
      try await TestServer.with(loops: 1) { server in
        try await TestClient.with(server.port) { client in
          let id = client.beginRaw(
            TestClient.headers(method, headers), body.map { ByteBuffer(bytes: $0) })
          result = try await client.finished(id)
          let answer1 = try await client.call("List", Request.cluster("c")).status
          #expect(answer1 == 0, "the connection lives on")
        }
      }
      return result
    }

    @Test("an unknown method is unimplemented, also one of another service")
    func unknownMethod() async throws {
      let answer2 = try await status([0, 0, 0, 0, 0], method: "Nothing").status
      #expect(answer2 == 12)
      let answer3 = try await status([0, 0, 0, 0, 0], headers: [":path": "/x.Y/Z"]).status
      #expect(answer3 == 12)
    }

    @Test("what isn't gRPC gets an HTTP status")
    func notGRPC() async throws {
      #expect(try await status([1], headers: ["content-type": "text/plain"]).header(":status") == "415")
      #expect(
        try await status([1], headers: ["content-type": "application/grpcx"]).header(":status") == "415")
      #expect(try await status(nil, headers: [":method": "GET"]).header(":status") == "405")
    }

    @Test("te: trailers may be missing and content types may say more")
    func lenient() async throws {
      let body = Array(buffer: TestClient.framed(Request.cluster("c")))
      let answer4 = try await status(body, headers: ["content-type": "application/grpc+proto"]).status
      #expect(answer4 == 0)
      let answer5 = try await status(body, headers: ["content-type": "application/grpc;v=1"]).status
      #expect(answer5 == 0)
    }

    @Test("a compressed message is unimplemented, and the answer says what is understood")
    func compressed() async throws {
      let answer = try await status([1, 0, 0, 0, 1, 0], headers: ["grpc-encoding": "gzip"])
      #expect(answer.status == 12)
      #expect(answer.header("grpc-accept-encoding") == "identity")
      let answer6 = try await status([1, 0, 0, 0, 1, 0]).status
      #expect(answer6 == 13)
      let answer7 = try await status([0, 0, 0, 0, 3, 0x0A, 1, 0x63], headers: ["grpc-encoding": "gzip"])
        .status
      #expect(answer7 == 0)
    }

    @Test(
      "bad framing is an internal error",
      arguments: [
        nil, [], [0], [0, 0, 0, 0], [0, 0, 0, 0, 5], [0, 0, 0, 0, 5, 1], [7, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0xFF, 0xFF, 0xFF, 0xFF, 1],
      ] as [[UInt8]?])
    func badFraming(body: [UInt8]?) async throws {
      let answer8 = try await status(body).status
      #expect(answer8 == 13)
    }

    @Test("a message that isn't protobuf is an internal error")
    func notProtobuf() async throws {
      let answer9 = try await status([0, 0, 0, 0, 2, 0xFF, 0xFF]).status
      #expect(answer9 == 13)
    }

    @Test("an oversized request is refused while it still comes in")
    func oversized() async throws {
      var options = TransportOptions()
      options.requestBytes = 10_000
      try await TestServer.with(loops: 1, options: options) { server in
        try await TestClient.with(server.port) { client in
          let big = ByteBuffer(repeating: 0, count: 12_000)
          let id = client.beginRaw(TestClient.headers("AffiliateUpdate"), big, end: false)
          let answer = try await client.finished(id)
          #expect(answer.status == 8)
          let answer10 = try await client.call("List", Request.cluster("c")).status
          #expect(answer10 == 0)
          let many = (0..<200).map { _ in
            client.beginRaw(TestClient.headers("AffiliateUpdate"), big, end: false)
          }
          for id in many { _ = try await client.finished(id) }
          let answer11 = try await client.call("List", Request.cluster("c")).status
          #expect(answer11 == 0, "credit is given back")
        }
      }
    }

    @Test("a request in many small frames, ended by trailers or by an empty frame, is put together")
    func pieces() async throws {
      try await TestServer.with(loops: 1) { server in
        try await TestClient.with(server.port) { client in
          let bytes = TestClient.framed(Request.update("c", "a", data: [UInt8](repeating: 7, count: 2000)))
          for ending in 0..<2 {
            let id = client.nextID()
            client.send(id, .headers(.init(headers: TestClient.headers("AffiliateUpdate"))))
            var rest = bytes
            while let part = rest.readSlice(length: min(100, rest.readableBytes)), part.readableBytes > 0 {
              client.send(id, .data(.init(data: .byteBuffer(part))))
            }
            if ending == 0 {
              client.send(id, .data(.init(data: .byteBuffer(ByteBuffer()), endStream: true)))
            } else {
              client.send(id, .headers(.init(headers: ["x-end": "1"], endStream: true)))
            }
            let answer12 = try await client.finished(id).status
            #expect(answer12 == 0)
          }
          let list = try await client.call("List", Request.cluster("c"))
          #expect(try DecodedResponse(list.messages[0]).affiliates[0].data.count == 2000)
        }
      }
    }

    @Test("a request that never comes whole is ended after a while")
    func halfRequest() async throws {
      var options = TransportOptions()
      options.requestTimeout = .milliseconds(50)
      try await TestServer.with(loops: 1, options: options) { server in
        try await TestClient.with(server.port) { client in
          let id = client.beginRaw(TestClient.headers("List"), ByteBuffer(bytes: [0]), end: false)
          try await eventually("the call is ended") {
            server.sweep()
            return client.answer(id).isOver
          }
          #expect(client.answer(id).status == 4)
        }
      }
    }
  }
}
