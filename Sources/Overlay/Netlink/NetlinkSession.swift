import CLinux
import Glibc
import Platform

/// Requests and their answers over one channel: acknowledgements, errors with the kernel's own text, dumps.
///
/// Used by one thread at a time.
final class NetlinkSession {
    /// One request: message type, flags beside NLM_F_REQUEST and NLM_F_ACK, and what writes its payload.
    struct Request {
        let type: UInt16
        let flags: UInt16
        /// For the error message: `create link vxlan0`.
        let purpose: String
        let body: (inout NetlinkWriter) -> Void

        init(
            _ type: some BinaryInteger, flags: Int32 = 0, _ purpose: String,
            _ body: @escaping (inout NetlinkWriter) -> Void
        ) {
            self.type = UInt16(truncatingIfNeeded: type)
            self.flags = UInt16(truncatingIfNeeded: flags)
            self.purpose = purpose
            self.body = body
        }
    }

    /// How many requests go out before their acknowledgements are read.
    static let pipelineLimit = 128
    static let dumpAttempts = 8
    /// A dump larger than this is refused.
    static let dumpLimit = 256 << 20

    let channel: any NetlinkChannel
    private var sequence: UInt32 = 0

    init(_ channel: any NetlinkChannel) {
        self.channel = channel
    }

    func nextSequence() -> UInt32 {
        sequence &+= 1
        return sequence
    }

    /// Sends one request and waits for its acknowledgement.
    func perform(_ request: Request) throws {
        if let error = try perform([request])[0] { throw error }
    }

    /// Sends all requests, in order; the answer has one place for each: nil or its error. Later ones run whatever
    /// becomes of earlier ones.
    func perform(_ requests: [Request]) throws -> [OverlayError?] {
        var outcomes: [OverlayError?] = []
        var rest = requests[...]
        while !rest.isEmpty {
            outcomes += try pipeline(Array(rest.prefix(Self.pipelineLimit)))
            rest = rest.dropFirst(Self.pipelineLimit)
        }
        return outcomes
    }

    private func pipeline(_ requests: [Request]) throws -> [OverlayError?] {
        var writer = NetlinkWriter()
        let first = sequence &+ 1
        for request in requests {
            let flags = request.flags | UInt16(NLM_F_REQUEST) | UInt16(NLM_F_ACK)
            writer.message(type: request.type, flags: flags, sequence: nextSequence(), request.body)
        }
        try channel.send(writer.bytes)
        var outcomes = [OverlayError?](repeating: nil, count: requests.count)
        var answered = Set<Int>()
        while answered.count < requests.count {
            for message in try NetlinkMessage.parse(try channel.receive()) where message.type == UInt16(NLMSG_ERROR) {
                let index = Int(message.sequence &- first)
                guard requests.indices.contains(index), answered.insert(index).inserted else { continue }
                outcomes[index] = Self.failure(in: message, requests[index].purpose)
            }
        }
        return outcomes
    }

    /// Reads a whole dump, again from the start when the kernel says that it changed meanwhile (NLM_F_DUMP_INTR).
    func dump(_ request: Request) throws -> [NetlinkMessage] {
        for _ in 0..<Self.dumpAttempts {
            if let messages = try dumpOnce(request) { return messages }
        }
        throw OverlayError(
            .dumpInterrupted, "\(request.purpose): changed under \(Self.dumpAttempts) attempts to read it")
    }

    private func dumpOnce(_ request: Request) throws -> [NetlinkMessage]? {
        var writer = NetlinkWriter()
        let sequence = nextSequence()
        let flags = request.flags | UInt16(NLM_F_REQUEST) | UInt16(NLM_F_DUMP)
        writer.message(type: request.type, flags: flags, sequence: sequence, request.body)
        try channel.send(writer.bytes)
        var collected: [NetlinkMessage] = []
        var size = 0
        var isInterrupted = false
        while true {
            for message in try NetlinkMessage.parse(try channel.receive()) where message.sequence == sequence {
                if message.flags & UInt16(NLM_F_DUMP_INTR) != 0 { isInterrupted = true }
                switch Int32(message.type) {
                case Int32(NLMSG_DONE):
                    if let error = Self.failure(in: message, request.purpose) { throw error }
                    return isInterrupted ? nil : collected
                case Int32(NLMSG_ERROR):
                    if let error = Self.failure(in: message, request.purpose) { throw error }
                    return collected
                default:
                    size += message.payload.count
                    guard size <= Self.dumpLimit else {
                        throw OverlayError(.malformedMessage, "\(request.purpose): more than \(Self.dumpLimit) bytes")
                    }
                    collected.append(message)
                }
            }
        }
    }

    /// Sends one request that is answered by a message of its own rather than a dump.
    func get(_ request: Request) throws -> NetlinkMessage {
        var writer = NetlinkWriter()
        let sequence = nextSequence()
        writer.message(
            type: request.type, flags: request.flags | UInt16(NLM_F_REQUEST), sequence: sequence, request.body)
        try channel.send(writer.bytes)
        while true {
            for message in try NetlinkMessage.parse(try channel.receive()) where message.sequence == sequence {
                if Int32(message.type) == Int32(NLMSG_ERROR) {
                    if let error = Self.failure(in: message, request.purpose) { throw error }
                    continue
                }
                return message
            }
        }
    }

    /// The error that an NLMSG_ERROR or NLMSG_DONE message carries, with the text of its NLMSGERR_ATTR_MSG; nil for 0.
    static func failure(in message: NetlinkMessage, _ purpose: String) -> OverlayError? {
        guard let code: Int32 = message.payload.number(at: 0) else {
            return message.type == UInt16(NLMSG_DONE)
                ? nil : OverlayError(.malformedMessage, "\(purpose): an error message without its code")
        }
        if code >= 0 { return nil }
        let number = code == .min ? Int32.max : -code
        var text = purpose
        // After the code: the request's header (its payload is capped away), then attributes.
        let offset = message.type == UInt16(NLMSG_ERROR) ? 4 + NetlinkMessage.headerLength : 4
        if message.flags & UInt16(NLM_F_ACK_TLVS) != 0, let attributes = try? message.attributes(after: offset),
            let reason = attributes.text(NLMSGERR_ATTR_MSG), !reason.isEmpty
        {
            text += " (\(reason))"
        }
        return OverlayError(.kernelRefused, text, systemError: SystemError(errno: number, call: "netlink"))
    }
}
