public import Model

/// Resources held or wanted; never negative.
public struct Reservation: Sendable, Hashable {
    public var nanoCPUs: Int64
    public var memoryBytes: Int64

    public static let none = Reservation(nanoCPUs: 0, memoryBytes: 0)

    public init(nanoCPUs: Int64, memoryBytes: Int64) {
        self.nanoCPUs = max(0, nanoCPUs)
        self.memoryBytes = max(0, memoryBytes)
    }

    public init(_ resources: Resources?) {
        self.init(nanoCPUs: resources?.nanoCPUs ?? 0, memoryBytes: resources?.memoryBytes ?? 0)
    }

    static func + (left: Reservation, right: Reservation) -> Reservation {
        Reservation(
            nanoCPUs: saturatingSum(left.nanoCPUs, right.nanoCPUs),
            memoryBytes: saturatingSum(left.memoryBytes, right.memoryBytes))
    }

    /// Whether it still fits where `held` of `total` is taken. What is not wanted is not looked at: a node that has too
    /// much reserved still takes a task that reserves nothing.
    func fits(in total: Reservation, besides held: Reservation) -> Bool {
        (nanoCPUs == 0 || saturatingSum(nanoCPUs, held.nanoCPUs) <= total.nanoCPUs)
            && (memoryBytes == 0 || saturatingSum(memoryBytes, held.memoryBytes) <= total.memoryBytes)
    }
}

private func saturatingSum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : sum
}
