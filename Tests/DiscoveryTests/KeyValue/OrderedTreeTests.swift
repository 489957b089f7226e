import TestSupport
import Testing

@testable import Discovery

@Suite struct OrderedTreeTests {
    @Test(arguments: [1, 2, 3] as [UInt64]) func isASortedSetWhateverComes(seed: UInt64) {
        var random = Seeded(seed)
        var tree = OrderedTree<Int> { $0 < $1 }
        var model: Set<Int> = []
        var copies: [(OrderedTree<Int>, [Int])] = []
        for step in 0..<6_000 {
            let element = Int.random(in: 0..<900, using: &random)
            if Bool.random(using: &random) || step < 600 {
                tree.put(element)
                model.insert(element)
            } else {
                tree.remove(element)
                model.remove(element)
            }
            if step % 1_000 == 999 { copies.append((tree, model.sorted())) }
        }
        copies.append((tree, model.sorted()))
        for (copy, expected) in copies {
            #expect(all(copy) == expected)
            #expect(copy.count == expected.count)
        }
        let middle = model.sorted()[model.count / 2]
        #expect(tree.first { $0 < middle } == middle)
        for element in model.sorted() { tree.remove(element) }
        #expect(all(tree).isEmpty && tree.count == 0)
    }

    @Test func elementsThatComeInOrderAreFound() {
        var tree = OrderedTree<Int> { $0 < $1 }
        for element in 0..<10_000 { tree.put(element) }
        for element in 0..<4_000 { tree.remove(element) }
        #expect(all(tree) == Array(4_000..<10_000))
    }

    private func all(_ tree: OrderedTree<Int>) -> [Int] {
        var all: [Int] = []
        tree.visit {
            all.append($0)
            return true
        }
        return all
    }
}
