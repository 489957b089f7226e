/// A member's monotonic clock, which runs a little fast or slow.
struct SimulatedClock {
    private static let million: UInt64 = 1_000_000

    /// Where it began, by itself and by the simulation's time.
    private var reading: UInt64
    private var since: UInt64 = 0
    /// Millionths of a second that it counts in a second.
    private var rate = million

    init(reading: UInt64) { self.reading = reading }

    func reading(at time: UInt64) -> UInt64 { reading + (time - since) * rate / Self.million }

    /// The first time at which it reads at least `wanted`.
    func time(of wanted: UInt64) -> UInt64 {
        guard wanted > reading else { return since }
        let (whole, rest) = (wanted - reading).quotientAndRemainder(dividingBy: rate)
        return since + whole * Self.million + (rest * Self.million + rate - 1) / rate
    }

    mutating func run(partsPerMillion: Int64, from time: UInt64) {
        reading = reading(at: time)
        since = time
        rate = UInt64(Int64(Self.million) + partsPerMillion)
    }

    mutating func leap(by duration: UInt64) { reading += duration }
}
