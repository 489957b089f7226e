import Glibc
import Platform
import Raft
import Synchronization

/// The way to one other member: a channel that is opened when there is something to say, and dropped on the first error.
///
/// A message goes out on the thread that has it, where nothing stands before it: so Raft's own thread hands it to the kernel.
/// What finds no channel, or one that is busy, waits in a queue for the loop.
final class RaftLink: Sendable {
    enum Limits {
        /// Messages that wait.
        static let queue = 1024
        /// Their bytes; a single message may be longer.
        static let queueBytes = 16 << 20
        static let retry: Duration = .milliseconds(100)
        /// A member that takes channels and closes them is looked at so seldom.
        static let lookInterval: Duration = .seconds(1)
        /// Pauses after looks at a member that closed a channel.
        static let looks: [Duration] = [.milliseconds(5), .milliseconds(20), .milliseconds(50)]
    }

    private struct State {
        var channel: Channel?
        /// What is in the queue, and what the loop has taken out of it and not sent yet.
        var messages = 0
        var bytes = 0
        var isClosed = false
        /// When a member that had closed a channel was last looked at.
        var lastLook: ContinuousClock.Instant?
    }

    let address: String
    private let member: NodeID
    private let links: ClusterLinks
    private let onRefusal: @Sendable () -> Void
    private let queue: AsyncStream<[UInt8]>.Continuation
    private let state = Mutex(State())
    private let log = Logger("raft-links")

    /// A link that works until `close`. `onRefusal` is told that a channel ended and that nobody listens any more.
    static func open(
        _ links: ClusterLinks, to member: NodeID, at address: String, onRefusal: @escaping @Sendable () -> Void
    ) -> RaftLink {
        let (stream, queue) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingOldest(Limits.queue))
        let link = RaftLink(links, to: member, at: address, queue, onRefusal)
        // Lives until `close` ends its queue.
        Task(executorPreference: links.loop) { await link.work(off: stream) }
        return link
    }

    private init(
        _ links: ClusterLinks, to member: NodeID, at address: String, _ queue: AsyncStream<[UInt8]>.Continuation,
        _ onRefusal: @escaping @Sendable () -> Void
    ) {
        self.onRefusal = onRefusal
        self.links = links
        self.member = member
        self.address = address
        self.queue = queue
    }

    /// Sends, keeps for the loop to send, or loses the message; does not wait.
    func send(_ bytes: [UInt8]) {
        let channel = state.withLock { $0.messages == 0 ? $0.channel : nil }
        if let channel, channel.trySend(bytes: bytes) { return }
        let hasRoom = state.withLock { state in
            guard state.messages == 0 || state.bytes + bytes.count <= Limits.queueBytes else { return false }
            state.messages += 1
            state.bytes += bytes.count
            return true
        }
        guard hasRoom else { return }
        if case .enqueued = queue.yield(bytes) { return }
        done(bytes)
    }

    /// Ends the link. What waits is lost.
    func close() {
        queue.finish()
        let channel = state.withLock { state in
            state.isClosed = true
            return state.channel
        }
        drop(channel)
    }

    private func work(off stream: AsyncStream<[UInt8]>) async {
        for await bytes in stream {
            defer { done(bytes) }
            if state.withLock({ $0.isClosed }) { continue }
            // What fails on a channel that was open before fails for its age: it goes out on a new one at once.
            let attempts = state.withLock { $0.channel == nil } ? 1 : 2
            for attempt in 1...attempts {
                do {
                    try await channel().send(bytes: bytes)
                    break
                } catch {
                    drop(state.withLock { $0.channel })
                    guard attempt == attempts else { continue }
                    log.debug("member not reached", ["member": member, "address": address, "error": "\(error)"])
                    try? await links.loop.sleep(for: Limits.retry)
                }
            }
        }
        drop(state.withLock { $0.channel })
    }

    private func done(_ bytes: [UInt8]) {
        state.withLock { state in
            state.messages -= 1
            state.bytes -= bytes.count
        }
    }

    /// The channel that is open, or one that is opened now.
    private func channel() async throws -> Channel {
        if let open = state.withLock({ $0.channel }) { return open }
        let channel = try await links.open(.raft, to: address)
        guard NodeID(of: channel.peer) == member else {
            throw ChannelError.wrongPeer(expected: "member \(member)", found: "\(channel.peer)")
        }
        let kept = state.withLock { state in
            // A link that was closed meanwhile keeps none: nobody would close it.
            if state.channel == nil, !state.isClosed { state.channel = channel }
            return state.channel
        }
        guard kept === channel else {
            channel.close()
            guard let kept else { throw CancellationError() }
            return kept
        }
        // Nothing is ever said this way, so that the read only ends: with the channel, at either side. A message would be lost on
        // a channel that ended before the kernel said so, and between followers the next one may be the election's.
        Task(executorPreference: links.loop) {
            _ = try? await channel.receiveBytes()
            self.drop(channel)
            await self.lookAgain()
        }
        return channel
    }

    /// The other end has closed: whether its process has ended, or another one listens there already. A process that is ending
    /// may close its channels before its port, which then takes a connection that nobody answers.
    private func lookAgain() async {
        let isDue = state.withLock { state in
            if let last = state.lastLook, ContinuousClock.now - last < Limits.lookInterval { return false }
            state.lastLook = ContinuousClock.now
            return true
        }
        guard isDue else { return }
        for pause in Limits.looks {
            if state.withLock({ $0.isClosed }) { return }
            do {
                _ = try await channel()
                return
            } catch let error as SystemError where error.errno == ECONNREFUSED {
                return onRefusal()
            } catch {
                log.debug("a member's channel ended", ["member": member, "address": address, "error": "\(error)"])
            }
            try? await links.loop.sleep(for: pause)
        }
    }

    private func drop(_ channel: Channel?) {
        guard let channel else { return }
        state.withLock { state in
            if state.channel === channel { state.channel = nil }
        }
        channel.close()
    }
}
