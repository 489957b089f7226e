import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite struct StartGateTests {
    /// Whether a task in `ready` starts, whose predecessor was told to stop so long ago and has not stopped.
    private func starts(after told: Duration) async throws -> Bool {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1")
        try await cluster.addService("web")
        cluster.time.advance(by: .zero - told)
        try await cluster.addTask("old", node: "n1", state: .running, desired: .shutdown)
        cluster.time.advance(by: told)
        try await cluster.addTask("new", node: "n1", state: .ready, desired: .ready)
        var draft = Draft(
            cluster.snapshot, now: start, monotonic: .zero, identifiers: SeededIdentifiers(seed: 1))
        let service = try #require(cluster.snapshot.get(Service.self, "web"))
        StartGate.plan(service, &draft)
        return draft.snapshot.get(ClusterTask.self, "new")?.desiredState == .running
    }

    @Test func aPredecessorIsWaitedForAndNotForEver() async throws {
        #expect(try await !starts(after: .zero))
        #expect(try await !starts(after: .seconds(60)))
        #expect(try await starts(after: .seconds(80)))
    }

    /// The leader before had a clock that was a day ahead: a day is not waited for.
    @Test func aStopFromTheFutureIsNotWaitedFor() async throws {
        #expect(try await starts(after: .seconds(-86_400)))
    }
}
