import HTTP
import Platform
import Store

/// How far the leader is, so that a member that follows can answer as freshly as the leader would.
public struct LeaderRevision: Sendable {
    enum Limits {
        /// How far a member may lag behind the leader before it gives up on a read.
        static let lag = Duration.seconds(5)
        static let poll = Duration.milliseconds(2)
        /// For how long the leader is asked again where it could not say that it is one: it lost the lead in that moment.
        static let question = Duration.seconds(5)
        static let pause = Duration.milliseconds(20)
        static let bodyBytes = 4096
    }

    /// An extra path, which the leader answers with its state's revision.
    static let path = "/v1/status/revision"

    let cluster: any DiscoveryCluster

    public init(cluster: any DiscoveryCluster) { self.cluster = cluster }

    /// Asks the leader, and returns once this member's state is as far as the leader's was.
    public func reach(isConsistent: Bool) async throws {
        let revision = try await revision(isConsistent: isConsistent)
        let deadline = MonotonicClock.nanoseconds() &+ Limits.lag.nanoseconds
        while cluster.store.revision < revision {
            guard MonotonicClock.nanoseconds() < deadline else {
                throw HTTPError(
                    .serviceUnavailable,
                    "this manager lags behind the leader: try again, ask another one, or read with ?stale")
            }
            try await Task.sleep(for: Limits.poll)
        }
    }

    /// What the leader says; whoever leads when it is asked.
    private func revision(isConsistent: Bool) async throws -> UInt64 {
        let deadline = MonotonicClock.nanoseconds() &+ Limits.question.nanoseconds
        while true {
            let answer = try await cluster.forward(HTTPRequest(.get, Self.path + (isConsistent ? "?consistent" : "")))
            let text = String(decoding: try await answer.body.collect(upTo: Limits.bodyBytes), as: UTF8.self)
            if answer.status.isSuccess {
                guard let revision = UInt64(text) else {
                    throw HTTPError(.badGateway, "the leader does not say how far it is: is it of an older version?")
                }
                return revision
            }
            guard answer.status.code >= 500, MonotonicClock.nanoseconds() < deadline else {
                throw HTTPError(answer.status, text)
            }
            try await Task.sleep(for: Limits.pause)
        }
    }
}
