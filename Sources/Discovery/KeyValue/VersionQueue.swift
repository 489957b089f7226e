import Synchronization

/// Versions in the order they were made: new ones at the end, the oldest taken from the front. Copies share all of it, and
/// cost nothing later: what was appended is never changed, and each copy only looks at as much of it as it knows.
struct VersionQueue: Sendable {
    /// Room for so many versions, filled from the front.
    ///
    /// `@unchecked`: a place is written once, by the one who took it, before anybody can know of it.
    private final class Chunk: @unchecked Sendable {
        static let capacity = 256
        private let places = UnsafeMutablePointer<KeyVersion>.allocate(capacity: capacity)
        private let filled = Atomic(0)

        deinit {
            places.deinitialize(count: filled.load(ordering: .acquiring))
            places.deallocate()
        }

        /// False if the place is taken already, by the continuation of another copy.
        func put(_ version: KeyVersion, at place: Int) -> Bool {
            guard
                filled.compareExchange(expected: place, desired: place + 1, ordering: .acquiringAndReleasing).exchanged
            else { return false }
            (places + place).initialize(to: version)
            return true
        }

        subscript(place: Int) -> KeyVersion { places[place] }
    }

    private var chunks: [Chunk] = []
    /// Places of the first chunk that are no longer part of it, and of the last that are.
    private var start = 0
    private var end = Chunk.capacity

    var isEmpty: Bool { count == 0 }
    var count: Int { chunks.isEmpty ? 0 : (chunks.count - 1) * Chunk.capacity + end - start }
    var first: KeyVersion? { isEmpty ? nil : chunks[0][start] }

    mutating func append(_ version: KeyVersion) {
        if end == Chunk.capacity {
            chunks.append(Chunk())
            end = 0
        }
        if !chunks[chunks.count - 1].put(version, at: end) {
            let copy = Chunk()
            for place in 0..<end { _ = copy.put(chunks[chunks.count - 1][place], at: place) }
            _ = copy.put(version, at: end)
            chunks[chunks.count - 1] = copy
        }
        end += 1
    }

    mutating func removeFirst() {
        start += 1
        guard start == Chunk.capacity || isEmpty else { return }
        start = 0
        if chunks.count == 1 { end = Chunk.capacity }
        chunks.removeFirst()
    }

    /// The versions after a revision, oldest first, until `body` returns false.
    func visit(after revision: UInt64, _ body: (KeyVersion) throws -> Bool) rethrows {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].modify <= revision { low = middle + 1 } else { high = middle }
        }
        for position in low..<count where try !body(self[position]) { return }
    }

    private subscript(position: Int) -> KeyVersion {
        let place = position + start
        return chunks[place / Chunk.capacity][place % Chunk.capacity]
    }
}
