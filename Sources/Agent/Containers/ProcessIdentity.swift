import CLinux
import Glibc
import Platform

/// A process that is told from a later one with the same number: by its start time and the boot it belongs to.
public struct ProcessIdentity: Codable, Sendable, Equatable {
    public var pid: Int32
    /// Clock ticks from boot to its start (proc(5), /proc/pid/stat, field 22).
    var startTicks: UInt64
    var bootID: String

    /// The process that has this number now; nil if there is none or it is a zombie.
    init?(pid: Int32) {
        guard pid > 0, let text = try? Files.readText("/proc/\(pid)/stat", limit: 4096),
            let (state, ticks) = Self.parse(text), state != "Z", state != "X"
        else { return nil }
        self.pid = pid
        startTicks = ticks
        bootID = Self.currentBootID
    }

    /// Whether it still runs.
    var isAlive: Bool { bootID == Self.currentBootID && ProcessIdentity(pid: pid) == self }

    /// A descriptor that refers to it and becomes readable at its end (pidfd_open(2)); nil where it is gone.
    func open() -> Descriptor? {
        let number = cl_pidfd_open(pid, 0)
        guard number >= 0 else { return nil }
        let descriptor = Descriptor(owning: number)
        // Only now the number cannot change hands any more.
        guard isAlive else { return nil }
        return descriptor
    }

    /// Sends a signal to it and to no other; false where it is gone.
    @discardableResult
    func signal(_ number: Int32) -> Bool {
        guard let descriptor = open() else { return false }
        return cl_pidfd_send_signal(descriptor.rawValue, number) == 0
    }

    /// State and start time; the command in between may hold anything, parentheses too.
    static func parse(_ text: String) -> (state: String, startTicks: UInt64)? {
        guard let close = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let ticks = UInt64(fields[19]) else { return nil }
        return (String(fields[0]), ticks)
    }

    private static let currentBootID =
        (try? Files.readText("/proc/sys/kernel/random/boot_id", limit: 256))?.trimmed ?? "unknown"
}
