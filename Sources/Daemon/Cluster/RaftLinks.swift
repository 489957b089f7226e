import Model
import Platform
import Raft
import Synchronization

/// Raft's transport: a channel to each other member, opened when there is something to say and dropped on the first
/// error. Raft repeats what is lost, so a full queue drops the newest message instead of waiting.
final class RaftLinks: Transport, Sendable {
    enum Limits {
        /// Messages that wait for one member.
        static let queue = 1024
        /// Bytes that wait for one member; a single message may be longer.
        static let queueBytes = 16 << 20
        static let retry: Duration = .milliseconds(100)
    }

    private struct Link {
        let address: String
        let queue: AsyncStream<[UInt8]>.Continuation
        let waiting: WaitingBytes
        let task: Task<Void, Never>
    }

    private let links: ClusterLinks
    /// Where members are whom this one's configuration does not name yet: a new member's is empty when it first answers.
    private let known: [ManagerEndpoint]
    private let state = Mutex<[NodeID: Link]>([:])
    private let log = Logger("raft-links")

    init(links: ClusterLinks, known: [ManagerEndpoint]) {
        self.links = links
        self.known = known
    }

    func send(_ message: Message, to peer: NodeID, address: String?) {
        let link = state.withLock { state -> Link? in
            guard let address = address ?? state[peer]?.address ?? known(peer) else { return nil }
            if let link = state[peer], link.address == address { return link }
            state[peer]?.task.cancel()
            let link = open(peer, at: address)
            state[peer] = link
            return link
        }
        guard let link else { return }
        let bytes = message.encoded()
        guard link.waiting.add(bytes.count) else { return }
        switch link.queue.yield(bytes) {
        case .enqueued: break
        case .dropped, .terminated: link.waiting.remove(bytes.count)
        @unknown default: link.waiting.remove(bytes.count)
        }
    }

    private func known(_ peer: NodeID) -> String? {
        known.first { peer.incarnation(of: $0.nodeID) != nil }?.address
    }

    func close() {
        let all = state.withLock { state in
            defer { state = [:] }
            return Array(state.values)
        }
        for link in all { link.task.cancel() }
    }

    private func open(_ peer: NodeID, at address: String) -> Link {
        let (stream, continuation) = AsyncStream.makeStream(
            of: [UInt8].self, bufferingPolicy: .bufferingOldest(Limits.queue))
        let (links, log, waiting) = (links, log, WaitingBytes(limit: Limits.queueBytes))
        // Lives until `close`, or until the member moves to another address.
        let task = Task(executorPreference: links.loop) {
            var channel: Channel?
            for await bytes in stream {
                defer { waiting.remove(bytes.count) }
                // What fails on a channel that was open before fails for its age: it goes out on a new one at once.
                for isLast in channel == nil ? [true] : [false, true] {
                    do {
                        let open =
                            if let channel { channel } else { try await Self.connect(links, to: peer, at: address) }
                        channel = open
                        try await open.send(bytes: bytes)
                        break
                    } catch {
                        channel?.close()
                        channel = nil
                        guard isLast else { continue }
                        log.debug("member not reached", ["member": peer, "address": address, "error": "\(error)"])
                        try? await links.loop.sleep(for: Limits.retry)
                    }
                }
            }
            channel?.close()
        }
        return Link(address: address, queue: continuation, waiting: waiting, task: task)
    }
}

extension RaftLinks {
    /// A channel to a member that is closed here when it is closed there: a message would be lost on it before the kernel
    /// said so, and between followers the next message may be the election's.
    private static func connect(
        _ links: ClusterLinks, to member: NodeID, at address: String
    ) async throws -> Channel {
        let channel = try await links.open(.raft, to: address)
        guard NodeID(of: channel.peer) == member else {
            throw ChannelError.wrongPeer(expected: "member \(member)", found: "\(channel.peer)")
        }
        // Nothing is ever said this way, so that the read only ends: with the channel, at either side.
        Task(executorPreference: links.loop) {
            _ = try? await channel.receiveBytes()
            channel.close()
        }
        return channel
    }
}

/// How many bytes wait in a queue.
private final class WaitingBytes: Sendable {
    private let count = Atomic(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// False where there is no room; there always is for the first.
    func add(_ bytes: Int) -> Bool {
        let (before, after) = count.wrappingAdd(bytes, ordering: .relaxed)
        if before == 0 || after <= limit { return true }
        remove(bytes)
        return false
    }

    func remove(_ bytes: Int) { count.wrappingSubtract(bytes, ordering: .relaxed) }
}
