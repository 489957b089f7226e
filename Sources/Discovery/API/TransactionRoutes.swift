import HTTP
import Store

/// `PUT /v1/txn`.
struct TransactionRoutes {
    let cluster: any DiscoveryCluster

    static func request(_ request: HTTPRequest) async throws -> (body: [UInt8], TransactionRequest) {
        let body: [UInt8]
        do {
            body = try await request.body.collect(upTo: TransactionRequest.Limits.bodyBytes)
        } catch let error as HTTPError where error.status == .contentTooLarge {
            throw HTTPError(
                .contentTooLarge,
                "Request body too large, max size: \(TransactionRequest.Limits.bodyBytes) bytes")
        }
        return (body, try TransactionRequest(parsing: body))
    }

    /// On the leader.
    nonisolated(nonsending) func run(_ request: TransactionRequest) async throws -> DiscoveryAnswer {
        let (revision, output) = try await cluster.propose(TransactionCommand.command(request.operations))
        return try Self.answer(try TransactionResult(decoding: output), revision)
    }

    /// Where nothing is written, the state answers as it is.
    static func read(_ request: TransactionRequest, from snapshot: Snapshot) throws -> DiscoveryAnswer {
        var run = TransactionRun(
            KeyValueTransaction(keys: snapshot.part(KeyValueState.self), revision: snapshot.revision),
            snapshot.part(SessionState.self))
        run.run(request.operations)
        return try answer(run.result, snapshot.revision)
    }

    private static func answer(_ result: TransactionResult, _ revision: UInt64) throws -> DiscoveryAnswer {
        DiscoveryAnswer(
            status: result.failures.isEmpty ? .ok : .conflict, index: revision, body: try result.json())
    }
}
