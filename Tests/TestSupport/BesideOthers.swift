import Platform
import Synchronization
public import Testing

/// Has tests that compute for long, without a pause, do so on threads of their own: on those that all tests share they would keep
/// others from their turn for seconds, and what these wait for would be late.
public struct BesideOthers: TestTrait, SuiteTrait, TestScoping {
    private static let loops = (0..<2).compactMap { try? EventLoop(name: "simulation\($0)") }
    private static let turn = Atomic(0)

    public var isRecursive: Bool { true }

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let turn = Self.turn.wrappingAdd(1, ordering: .relaxed).oldValue
        guard testCase != nil, !Self.loops.isEmpty else { return try await function() }
        try await withTaskExecutorPreference(Self.loops[turn % Self.loops.count]) { try await function() }
    }
}

extension Trait where Self == BesideOthers {
    public static var besideOthers: Self { Self() }
}
