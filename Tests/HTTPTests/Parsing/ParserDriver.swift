@testable import HTTP

/// What a connection's bytes came to, whichever way they were cut.
struct ParsedRequest: Equatable {
    var method: String
    var target: String
    var headers: [String]
    var body: [UInt8]
    var keepAlive: Bool
}

enum ParserDriver {
    /// Feeds pieces and gathers whole requests; the status of the error that ended it, if one did.
    static func requests(
        _ pieces: [[UInt8]], limits: HTTPLimits = HTTPLimits()
    ) -> (requests: [ParsedRequest], failure: Int?) {
        var parser = RequestParser(limits: limits)
        var requests: [ParsedRequest] = []
        var current: ParsedRequest?
        do {
            for piece in pieces {
                parser.feed(piece)
                feeding: while true {
                    switch try parser.next() {
                    case .needMore: break feeding
                    case .head(let head):
                        current = ParsedRequest(
                            method: head.method.name, target: head.target,
                            headers: head.headers.map { "\($0.name): \($0.value)" }, body: [],
                            keepAlive: head.keepAlive)
                    case .body(let bytes): current?.body += bytes
                    case .end:
                        if let current { requests.append(current) }
                        current = nil
                    }
                }
            }
        } catch {
            return (requests, error.status.code)
        }
        return (requests, nil)
    }

    /// The same for responses to GET; `closed`: the connection ended behind the last piece.
    static func responses(
        _ pieces: [[UInt8]], closed: Bool = false, to method: HTTPMethod = .get
    ) -> (responses: [(status: Int, body: [UInt8])], failure: Int?) {
        var parser = ResponseParser()
        parser.expectResponse(to: method)
        var responses: [(status: Int, body: [UInt8])] = []
        do {
            for piece in pieces {
                parser.feed(piece)
                feeding: while true {
                    switch try parser.next() {
                    case .needMore: break feeding
                    case .head(let head): responses.append((head.status.code, []))
                    case .body(let bytes): responses[responses.count - 1].body += bytes
                    case .end: continue
                    }
                }
            }
            if closed, !parser.isIdle { _ = try parser.finish() }
        } catch {
            return (responses, error.status.code)
        }
        return (responses, nil)
    }
}
