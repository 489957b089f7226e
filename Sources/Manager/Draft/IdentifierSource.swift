internal import Platform

/// Where new objects' ids come from; tests pass a seeded one.
public protocol IdentifierSource: Sendable {
    func next() -> String
}

/// Ids from the kernel's random numbers.
public struct RandomIdentifiers: IdentifierSource {
    public init() {}

    public func next() -> String { Identifier.random() }
}
