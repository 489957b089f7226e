internal import Foundation
public import Platform

/// A folder of a test's own, removed with all in it when its owner goes.
public struct TemporaryDirectory: ~Copyable, Sendable {
    public let path: String

    /// A fresh folder with a short name, so that sockets in it stay below 108 bytes.
    public init(_ prefix: String = "martlet") throws(SystemError) {
        var base = FileManager.default.temporaryDirectory.path
        if base.hasSuffix("/") { base.removeLast() }
        path = "\(base)/\(prefix)-\(Identifier.randomHex(bytes: 5))"
        try Files.createDirectories(path, mode: 0o700)
    }

    deinit { try? Files.remove(path) }

    /// The path of a name inside.
    public func file(_ name: String) -> String { "\(path)/\(name)" }
}
