import HTTP
import Platform
import Store

/// `GET /v1/kv/:key?watch`: the changes of a key, or of all that begin so, from a revision on; and what ends the history
/// that they are read from. Consul has no word for either.
struct WatchRoutes {
    enum Limits {
        /// After that long without a change a watcher is told how far it is: it can go on from there elsewhere.
        static let patience = Duration.seconds(30)
    }

    let cluster: any DiscoveryCluster

    /// Answered by any manager from its own state: the order is the same everywhere, some are later than others.
    func watch(_ topic: WatchTopic, _ query: HTTPQuery, headers: HTTPHeaders) throws(HTTPError) -> HTTPResponse {
        let snapshot = cluster.store.snapshot
        let compacted = snapshot.part(KeyValueState.self).compacted
        let start = try KeyValueRoutes.number(query, "revision") ?? snapshot.revision + 1
        guard start > compacted else { throw Self.compacted(start, compacted) }
        let hub = cluster.watches
        try hub.checkRoom()
        let feed = KeyFeed(topic, after: start - 1)
        var headers = headers
        headers.add("Content-Type", "application/json")
        return HTTPResponse(
            .ok, headers: headers,
            body: .stream { writer in
                try hub.enter()
                defer { hub.leave(feed) }
                try await writer.write(Self.progress(start - 1))
                while let event = await feed.next(hub, patience: Limits.patience) {
                    switch event {
                    case .changes(let batches): for batch in batches { try await writer.write(batch.line) }
                    case .progress(let revision): try await writer.write(Self.progress(revision))
                    case .compacted(let revision):
                        return try await writer.write(Self.end(Self.compacted(nil, revision).message, revision))
                    }
                }
                try Task.checkCancellation()
            })
    }

    /// `PUT /v1/operator/kv/compact?revision=N`, on the leader.
    nonisolated(nonsending) func compact(_ query: HTTPQuery) async throws -> DiscoveryAnswer {
        guard let revision = try KeyValueRoutes.number(query, "revision"), revision > 0 else {
            throw HTTPError(.badRequest, "query parameter 'revision' must be a whole number from 1 up")
        }
        let present = cluster.store.revision
        guard revision <= present else {
            throw HTTPError(.badRequest, "revision \(revision) is not there yet: the present one is \(present)")
        }
        let (index, _) = try await cluster.propose(KeyValueCommand.command(.compact, key: [], expected: revision))
        return DiscoveryAnswer(index: index, body: Array("true".utf8))
    }

    private static func compacted(_ start: UInt64?, _ compacted: UInt64) -> HTTPError {
        let wanted =
            start.map { "revision \($0) has been compacted" } ?? "the revisions that were to follow have been compacted"
        return HTTPError(
            .gone,
            wanted
                + ": changes are kept from \(compacted + 1) on. Read what is there, and watch from the revision behind."
        )
    }

    private static func progress(_ revision: UInt64) -> [UInt8] {
        Array("{\"Revision\":\(revision),\"Changes\":[]}\n".utf8)
    }

    private static func end(_ message: String, _ compacted: UInt64) -> [UInt8] {
        Array("{\"Error\":\(JSONText.quoted(message)),\"Compacted\":\(compacted)}\n".utf8)
    }
}
