import Glibc
import Platform

/// One daemon for a data directory (flock(2)): a second one would take the first one's containers for its own. Held until
/// the value is let go.
final class InstanceLock: Sendable {
    private let descriptor: Descriptor

    init(directory: String) throws {
        let file = try Files.open(directory + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, mode: 0o600)
        let isLocked = flock(file.rawValue, LOCK_EX | LOCK_NB) == 0
        descriptor = file
        guard isLocked else {
            throw ConfigurationError("another clusterd runs on \(directory): stop it, or choose another --data-dir")
        }
    }
}
