internal import Synchronization

/// A number that only grows.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    init() {}

    /// Counts `amount` more.
    public func increment(by amount: UInt64 = 1) { count.wrappingAdd(amount, ordering: .relaxed) }

    public var value: UInt64 { count.load(ordering: .relaxed) }
}

/// A number that goes up and down.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    init() {}

    /// Replaces the value.
    public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    public func set(_ value: Int) { set(Double(value)) }

    /// Adds to the value; below zero takes from it.
    public func add(_ amount: Double) { bits.add(amount) }
    /// Adds one.
    public func increment() { add(1) }
    /// Takes one away.
    public func decrement() { add(-1) }

    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

extension Atomic where Value == UInt64 {
    /// Adds to the floating-point number whose bits these are.
    fileprivate borrowing func add(_ amount: Double) {
        var known = load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: known) + amount).bitPattern
            let (exchanged, original) = weakCompareExchange(expected: known, desired: sum, ordering: .relaxed)
            if exchanged { return }
            known = original
        }
    }
}

/// How many observations fell into each bucket.
public final class Histogram: Sendable {
    /// Seconds, from 100 µs to 10 s.
    public static let latencyBuckets = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// Upper bounds, ascending; what is above the last is counted as well.
    public let buckets: [Double]
    // Made in init and freed in deinit; in between only its atomics change.
    nonisolated(unsafe) private let counts: UnsafeMutablePointer<Atomic<UInt64>>
    private let sum = Atomic<UInt64>(0)

    init(buckets: [Double]) {
        precondition(zip(buckets, buckets.dropFirst()).allSatisfy(<), "buckets ascend")
        self.buckets = buckets
        counts = .allocate(capacity: buckets.count + 1)
        for index in 0...buckets.count { (counts + index).initialize(to: Atomic(0)) }
    }

    deinit {
        counts.deinitialize(count: buckets.count + 1)
        counts.deallocate()
    }

    /// Counts one observation, in the unit of `buckets`.
    public func observe(_ value: Double) {
        var low = 0
        var high = buckets.count
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle] < value { low = middle + 1 } else { high = middle }
        }
        counts[low].wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    /// Observes seconds.
    public func observe(_ duration: Duration) { observe(duration.seconds) }

    /// All observations so far.
    public var count: UInt64 { snapshot().counts.reduce(0, &+) }

    func snapshot() -> (counts: [UInt64], sum: Double) {
        let values = (0...buckets.count).map { counts[$0].load(ordering: .relaxed) }
        return (values, Double(bitPattern: sum.load(ordering: .relaxed)))
    }
}
