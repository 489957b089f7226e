internal import Platform

/// How far a node's clock is from the leader's, where that is worth telling; roughly, so that it is told once.
struct ClockDifference: Equatable {
    enum Limits {
        /// Less is lost among what messages take.
        static let least: Duration = .seconds(60)
    }

    private let isAhead: Bool
    private let amount: Int64
    private let unit: String

    /// Nil for clocks that agree.
    init?(of node: Timestamp, from leader: Timestamp) {
        let difference = node - leader
        let seconds = (difference < .zero ? .zero - difference : difference).components.seconds
        guard seconds >= Limits.least.components.seconds else { return nil }
        isAhead = difference > .zero
        (amount, unit) =
            switch seconds {
            case ..<5400: ((seconds + 30) / 60, "minute")
            case ..<129_600: ((seconds + 1800) / 3600, "hour")
            default: ((seconds + 43_200) / 86_400, "day")
            }
    }

    var text: String {
        "its clock is about \(amount) \(unit)\(amount == 1 ? "" : "s") \(isAhead ? "ahead of" : "behind") the leader's"
    }
}
