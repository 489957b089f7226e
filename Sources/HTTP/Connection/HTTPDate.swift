import Glibc
import Synchronization

/// The `Date` field's value (RFC 9110 section 5.6.7), made once a second.
enum HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let cache = Mutex<(second: time_t, bytes: [UInt8])>((0, []))

    /// The present time, for instance `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func now() -> [UInt8] {
        let second = time(nil)
        return cache.withLock { cache in
            if cache.second != second || cache.bytes.isEmpty { cache = (second, format(second)) }
            return cache.bytes
        }
    }

    static func format(_ second: time_t) -> [UInt8] {
        var second = second
        var parts = tm()
        guard gmtime_r(&second, &parts) != nil else { return [] }
        let day = days[max(0, min(6, Int(parts.tm_wday)))]
        let month = months[max(0, min(11, Int(parts.tm_mon)))]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(twoDigits).joined(separator: ":")
        return Array("\(day), \(twoDigits(parts.tm_mday)) \(month) \(Int(parts.tm_year) + 1900) \(clock) GMT".utf8)
    }

    private static func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
