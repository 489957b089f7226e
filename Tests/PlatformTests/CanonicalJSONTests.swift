import Testing

@testable import Platform

@Suite struct CanonicalJSONTests {
    private struct Sample: Codable, Equatable {
        var b: Int
        var a: [String: String]
        var path: String?
    }

    @Test func theSameBytesForTheSameValue() throws {
        let sample = Sample(b: 1, a: ["z": "1", "y": "2"], path: "/x")
        let bytes = try CanonicalJSON.encode(sample)
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"a":{"y":"2","z":"1"},"b":1,"path":"/x"}"#)
        #expect(try CanonicalJSON.decode(Sample.self, from: bytes) == sample)
    }

    @Test func refusesWhatIsTooMuch() throws {
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: CanonicalJSON.Failure.tooDeep) { try CanonicalJSON.decode([Int].self, from: deep) }
        #expect(throws: CanonicalJSON.Failure.tooLong(4)) {
            try CanonicalJSON.decode([Int].self, from: [UInt8]("[12]".utf8), limit: 3)
        }
        #expect(CanonicalJSON.depth([UInt8](#"["[[[\"[", {"a": []}]"#.utf8)) == 3)
    }

    @Test func saysWhatIsWrong() throws {
        let error = #expect(throws: CanonicalJSON.Failure.self) {
            try CanonicalJSON.decode(Sample.self, from: [UInt8](#"{"b":"x","a":{}}"#.utf8))
        }
        #expect(error?.description == "JSON: not a Int at b")
    }

    @Test func garbageIsNoCrash() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = [UInt8](#"{}[]",:\ntrue01.e-"#.utf8)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0..<40)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            _ = try? CanonicalJSON.decode(Sample.self, from: bytes)
        }
    }
}
