import Glibc
import Platform

/// Says when conmon writes an exit file: one inotify instance for all containers of the node (inotify(7)).
final class ExitFileWatch: Sendable {
    private let descriptor: Descriptor
    private let watch: EventLoop.Watch

    /// `onFile` gets the new file's name (a container's id), on the loop's thread.
    init(directory: String, loop: EventLoop, onFile: @escaping @Sendable (String) -> Void) throws {
        let flags = Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)
        let number = try checked(inotify_init1(flags), "inotify_init1")
        descriptor = Descriptor(owning: number)
        // conmon writes a temporary file and renames it.
        let mask = UInt32(IN_MOVED_TO | IN_CLOSE_WRITE)
        try checked(inotify_add_watch(number, directory, mask), "inotify_add_watch", directory)
        watch = try loop.watch(number, for: .readable) { _ in
            for name in Self.drain(number) { onFile(name) }
        }
    }

    deinit { watch.cancel() }

    private static func drain(_ descriptor: Int32) -> [String] {
        var names: [String] = []
        while let bytes = try? Files.read(descriptor, upTo: 64 * 1024), !bytes.isEmpty {
            names += parse(bytes)
        }
        return names
    }

    /// File names out of a run of `struct inotify_event`: watch, mask, cookie, length (32 bits each), then the name.
    static func parse(_ bytes: [UInt8]) -> [String] {
        var names: [String] = []
        var rest = bytes[...]
        while rest.count >= 16 {
            let lengthBytes = rest.dropFirst(12).prefix(4)
            let length = lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 16 + length else { break }
            let name = rest.dropFirst(16).prefix(length).prefix { $0 != 0 }
            names.append(String(decoding: name, as: UTF8.self))
            rest = rest.dropFirst(16 + length)
        }
        return names
    }
}
