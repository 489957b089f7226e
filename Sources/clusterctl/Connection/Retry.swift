/// Changes that read an object, change it and write it back naming the version they saw.
enum Retry {
    /// How often a change is begun anew when another one came first.
    static let attempts = 5

    static func outOfSequence<T>(_ body: () async throws -> T) async throws -> T {
        for _ in 1..<attempts {
            do {
                return try await body()
            } catch let error as EngineError where error.isOutOfSequence {
                continue
            }
        }
        return try await body()
    }
}
