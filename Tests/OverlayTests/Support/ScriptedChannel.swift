import Platform

@testable import Overlay

/// A netlink channel with the kernel's part written down beforehand.
final class ScriptedChannel: NetlinkChannel {
    var sent: [[UInt8]] = []
    var answers: [[UInt8]]

    init(_ answers: [[UInt8]]) {
        self.answers = answers
    }

    func send(_ datagram: [UInt8]) { sent.append(datagram) }

    func receive() throws -> [UInt8] {
        if answers.isEmpty { throw SystemError(errno: 11, call: "recvfrom") }
        return answers.removeFirst()
    }

    static func message(
        _ type: UInt16, flags: UInt16 = 0, sequence: UInt32, _ body: (inout NetlinkWriter) -> Void = { _ in }
    ) -> [UInt8] {
        var writer = NetlinkWriter()
        writer.message(type: type, flags: flags, sequence: sequence, body)
        return writer.bytes
    }

    /// An NLMSG_ERROR: 0 is an acknowledgement.
    static func acknowledgement(_ sequence: UInt32, errno: Int32 = 0, text: String? = nil) -> [UInt8] {
        message(2, flags: text == nil ? 0x100 : 0x300, sequence: sequence) {
            $0.integer(-errno)
            $0.raw([UInt8](repeating: 0, count: 16))
            if let text { $0.text(1, text) }
        }
    }
}
