import Glibc
import Platform
import Testing

@Suite struct LoopPoolTests {
    @Test func othersHelpOnceTheFirstAreCrowded() throws {
        let loops = try (0..<4).map { try EventLoop(name: "pool-\($0)") }
        defer { for loop in loops { loop.stop() } }
        let pool = LoopPool(loops, steady: 2, crowd: 3)
        var descriptors: [Int32] = []
        var watches: [EventLoop.Watch] = []
        defer {
            for watch in watches { watch.cancel() }
            for descriptor in descriptors { close(descriptor) }
        }
        func add() throws -> String {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            descriptors.append(descriptor)
            let loop = pool.next()
            watches.append(try loop.watch(descriptor, for: []) { _ in })
            return loop.name
        }
        let taken = try (0..<14).map { _ in try add() }
        #expect(taken.prefix(6).allSatisfy { $0 == "pool-0" || $0 == "pool-1" })
        #expect(loops.map(\.watchCount).sorted() == [3, 3, 4, 4])
        // What ends makes room.
        for watch in watches.prefix(4) { watch.cancel() }
        #expect(loops.map(\.watchCount).reduce(0, +) == 10)
    }
}
