import HTTP
import Platform

/// How a read is to be answered: by whom, and when.
struct ReadOptions {
    enum Consistency {
        /// By the leader, as long as it holds its lease; where it holds none, as `consistent`.
        case leader
        /// By the leader, once a majority has said that it still is one.
        case consistent
        /// By whoever is asked.
        case stale
    }

    enum Limits {
        static let defaultWait = Duration.seconds(300)
        static let maximumWait = Duration.seconds(600)
        /// Up to a sixteenth is added, so that those who began together do not come back together.
        static let jitterDivisor = 16
    }

    var consistency = Consistency.leader
    /// Answered at once where it is nil, else when what is read has a higher one.
    var index: UInt64?
    var wait = Limits.defaultWait

    /// - Throws: `HTTPError` 400.
    init(_ query: HTTPQuery) throws(HTTPError) {
        switch (query.contains("consistent"), query.contains("stale")) {
        case (true, true):
            throw HTTPError(.badRequest, "Cannot specify ?stale with ?consistent, conflicting semantics.")
        case (true, false): consistency = .consistent
        case (false, true): consistency = .stale
        case (false, false): break
        }
        if let text = query["index"], !text.isEmpty {
            guard let index = UInt64(text) else { throw HTTPError(.badRequest, "Invalid index: '\(text)'") }
            if index > 0 { self.index = index }
        }
        if let text = query["wait"], !text.isEmpty {
            guard let wait = QueryDuration.parse(text) else {
                throw HTTPError(.badRequest, "Invalid wait time: '\(text)': wanted is a duration such as 30s or 5m")
            }
            self.wait = wait == .zero ? Limits.defaultWait : min(wait, Limits.maximumWait)
        }
    }

    /// The wait with its random part.
    var waitWithJitter: Duration {
        wait + .nanoseconds(Int64.random(in: 0...max(1, (wait / Limits.jitterDivisor).nanoseconds)))
    }
}
