internal import Synchronization

/// The counters, gauges and histograms of a process, written as Prometheus text (exposition format 0.0.4).
///
/// Asking for a metric takes a lock and is for start-up or for keeping; changing one is an atomic operation.
public final class Metrics: Sendable {
    /// The process's own.
    public static let shared = Metrics()

    /// Most label sets of one name; what is asked for beyond it works but is not shown.
    public static let seriesLimit = 10_000

    /// What a series is known by, besides its name.
    public typealias Labels = [String: String]

    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    enum Series: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
        case read(@Sendable () -> Double)
    }

    struct Family: Sendable {
        let kind: Kind
        let help: String
        var series: [String: Series] = [:]
    }

    private let families = Mutex<[String: Family]>([:])

    public init() {}

    /// A number that only grows. The same name and labels give the same counter.
    public func counter(_ name: String, _ help: String, labels: Labels = [:]) -> Counter {
        let series = series(name, help, .counter, labels) { .counter(Counter()) }
        guard case .counter(let counter) = series else { return Counter() }
        return counter
    }

    /// A number that goes up and down.
    public func gauge(_ name: String, _ help: String, labels: Labels = [:]) -> Gauge {
        let series = series(name, help, .gauge, labels) { .gauge(Gauge()) }
        guard case .gauge(let gauge) = series else { return Gauge() }
        return gauge
    }

    /// How observations spread over buckets with these upper bounds, ascending.
    public func histogram(
        _ name: String, _ help: String, labels: Labels = [:], buckets: [Double] = Histogram.latencyBuckets
    ) -> Histogram {
        let series = series(name, help, .histogram, labels) { .histogram(Histogram(buckets: buckets)) }
        guard case .histogram(let histogram) = series else { return Histogram(buckets: buckets) }
        return histogram
    }

    /// A gauge, or with `isCounter` a counter, that is read when it is asked for. The closure must be quick and not block.
    public func read(
        _ name: String, _ help: String, labels: Labels = [:], isCounter: Bool = false,
        _ value: @escaping @Sendable () -> Double
    ) {
        _ = series(name, help, isCounter ? .counter : .gauge, labels) { .read(value) }
    }

    /// Forgets a series whose object is gone.
    public func remove(_ name: String, labels: Labels) {
        let text = Self.text(labels)
        let removed = families.withLock { $0[name]?.series.removeValue(forKey: text) }
        _ = consume removed
    }

    private func series(
        _ name: String, _ help: String, _ kind: Kind, _ labels: Labels, _ make: () -> Series
    ) -> Series {
        precondition(Self.isName(name) && labels.keys.allSatisfy(Self.isName), "not a metric's name: \(name) \(labels)")
        let text = Self.text(labels)
        return families.withLock { families in
            let known = families[name]?.kind ?? kind
            precondition(known == kind, "the metric \(name) is a \(known)")
            if let series = families[name]?.series[text] { return series }
            let made = make()
            if families[name] == nil { families[name] = Family(kind: kind, help: help) }
            // In place: a copy of the family for each new series would make many of them slow.
            if families[name]?.series.count ?? 0 < Self.seriesLimit { families[name]?.series[text] = made }
            return made
        }
    }

    /// All of it as text, sorted by name and labels.
    public func render() -> String {
        var text = ""
        for (name, family) in families.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            text +=
                "# HELP \(name) \(Self.escaped(family.help, quotes: false))\n# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                switch series {
                case .counter(let counter): text += "\(name)\(Self.braced(labels)) \(counter.value)\n"
                case .gauge(let gauge): text += "\(name)\(Self.braced(labels)) \(Self.number(gauge.value))\n"
                case .read(let value): text += "\(name)\(Self.braced(labels)) \(Self.number(value()))\n"
                case .histogram(let histogram): text += Self.lines(name, labels, histogram)
                }
            }
        }
        return text
    }

    private static func lines(_ name: String, _ labels: String, _ histogram: Histogram) -> String {
        let (counts, sum) = histogram.snapshot()
        let prefix = labels.isEmpty ? "" : labels + ","
        var text = ""
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < histogram.buckets.count ? number(histogram.buckets[index]) : "+Inf"
            text += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(total)\n"
        }
        return text + "\(name)_sum\(braced(labels)) \(number(sum))\n\(name)_count\(braced(labels)) \(total)\n"
    }

    private static func braced(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

    private static func text(_ labels: Labels) -> String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escaped($0.value, quotes: true))\"" }
            .joined(separator: ",")
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && value.magnitude < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(48...57).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (97...122).contains($0) || (65...90).contains($0) || (48...57).contains($0) || $0 == 95 || $0 == 58
        }
    }
}
