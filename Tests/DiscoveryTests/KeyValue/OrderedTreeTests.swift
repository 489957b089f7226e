import TestSupport
import Testing

@testable import Discovery

@Suite struct OrderedTreeTests {
    @Test(arguments: [1, 2, 3] as [UInt64]) func isASortedSetWhateverComes(seed: UInt64) {
        var random = Seeded(seed)
        var tree = OrderedTree<Number>()
        var model: Set<Int> = []
        var copies: [(OrderedTree<Number>, [Int])] = []
        for step in 0..<6_000 {
            let element = Int.random(in: 0..<900, using: &random)
            if Bool.random(using: &random) || step < 600 {
                tree.put(Number(treeKey: element))
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
        #expect(tree.find(middle)?.treeKey == middle)
        #expect(all(tree, from: middle) == model.sorted().filter { $0 >= middle })
        for element in model.sorted() { tree.remove(element) }
        #expect(all(tree).isEmpty && tree.count == 0)
    }

    @Test func elementsThatComeInOrderAreFound() {
        var tree = OrderedTree<Number>()
        for element in 0..<10_000 { tree.put(Number(treeKey: element)) }
        for element in 0..<4_000 { tree.remove(element) }
        #expect(all(tree) == Array(4_000..<10_000))
    }

    private struct Number: TreeElement {
        let treeKey: Int
        static func precedes(_ left: Int, _ right: Int) -> Bool { left < right }
    }

    private func all(_ tree: OrderedTree<Number>, from key: Int? = nil) -> [Int] {
        var all: [Int] = []
        tree.visit(from: key) {
            all.append($0.treeKey)
            return true
        }
        return all
    }
}
