import TestSupport
import Testing

@testable import Store

@Suite struct SortedMapTests {
    @Test(arguments: [1, 2, 3]) func agreesWithADictionary(seed: UInt64) {
        var random = Seeded(seed)
        var map = SortedMap<Int>()
        var model: [String: Int] = [:]
        for step in 0..<5000 {
            let key = "key\(random.next() % 700)"
            if random.next() % 3 == 0 {
                #expect(map.removeValue(forKey: key) == model.removeValue(forKey: key))
            } else {
                #expect(map.updateValue(step, forKey: key) == model.updateValue(step, forKey: key))
            }
        }
        #expect(map.count == model.count)
        #expect(map.map(\.key) == model.keys.sorted())
        #expect(map.allSatisfy { model[$0.key] == $0.value })
        #expect(map.chunks.allSatisfy { !$0.isEmpty && $0.count <= SortedMap<Int>.chunkLimit })
        for key in ["key0", "key35", "key5", "zzz", ""] {
            #expect(map[key] == model[key])
            #expect(map.entries(from: key).map(\.key) == model.keys.filter { $0 >= key }.sorted())
        }
    }

    @Test func copiesKeepTheirContent() {
        var map = SortedMap<Int>()
        for number in 0..<1000 { map.updateValue(number, forKey: "\(number)") }
        let copy = map
        for number in 0..<1000 { map.removeValue(forKey: "\(number)") }
        #expect(map.isEmpty)
        #expect(copy.count == 1000)
        #expect(copy["500"] == 500)
    }
}
