import Synchronization

/// Gathers a produced body.
final class BodyCollector: Sendable {
    private let state = Mutex<[UInt8]>([])
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var bytes: [UInt8] { state.withLock { $0 } }

    func append(_ piece: [UInt8]) throws {
        try state.withLock { all in
            guard piece.count <= limit - all.count else { throw HTTPBody.tooLarge(limit) }
            all += piece
        }
    }
}
