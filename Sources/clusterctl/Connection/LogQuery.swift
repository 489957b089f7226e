import Platform

/// The options of everything that prints logs, and the query they make.
enum LogQuery {
    static let options: [Syntax.Option] = [
        .flag("follow", short: "f", "go on with what is written from now on"),
        .value("tail", short: "n", "N", "only the last so many lines, or all (the default)"),
        .value("since", "WHEN", "only what is younger: 10m, or 2026-11-23T18:00:00Z"),
        .flag("timestamps", short: "t", "when each line was written"),
    ]

    /// - Throws: `UsageError` that names the option.
    static func items(_ arguments: Arguments, now: Timestamp) throws(UsageError) -> [(String, String?)] {
        var items: [(String, String?)] = [("stdout", "1"), ("stderr", "1")]
        if arguments.flag("follow") { items.append(("follow", "1")) }
        if arguments.flag("timestamps") { items.append(("timestamps", "1")) }
        let tail = arguments.value("tail") ?? "all"
        guard tail == "all" || UInt32(tail) != nil else {
            throw arguments.invalid("tail", tail, "a number of lines, or all")
        }
        items.append(("tail", tail))
        if let since = arguments.value("since") {
            items.append(("since", try unixTime(since, now: now, arguments)))
        }
        return items
    }

    /// Seconds since 1970 with nine digits behind the point, which every version of the API reads.
    private static func unixTime(_ text: String, now: Timestamp, _ arguments: Arguments) throws(UsageError) -> String {
        let instant: Timestamp
        if let nanoseconds = DurationText.parse(text), text != "0" {
            instant = now + .nanoseconds(-nanoseconds)
        } else if let written = Timestamp(text) {
            instant = written
        } else if let seconds = Int64(text) {
            instant = Timestamp(seconds: seconds)
        } else {
            throw arguments.invalid("since", text, "an age such as 10m, or an instant such as 2026-11-23T18:00:00Z")
        }
        let digits = String(instant.nanoseconds)
        return "\(instant.seconds).\(String(repeating: "0", count: 9 - digits.count))\(digits)"
    }
}
