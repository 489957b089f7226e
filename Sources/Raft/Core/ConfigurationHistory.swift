/// Configurations by the index of the entry that brought them, oldest first. The last is in force, committed or not; one
/// that a new leader truncates away gives way to the one before.
struct ConfigurationHistory: Sendable {
    private(set) var items: [(index: LogIndex, configuration: Configuration)]

    init(index: LogIndex, configuration: Configuration) { items = [(index, configuration)] }

    var current: Configuration { items[items.count - 1].configuration }

    var currentIndex: LogIndex { items[items.count - 1].index }

    /// The one before the current, if it is still known.
    var previous: Configuration? { items.count > 1 ? items[items.count - 2].configuration : nil }

    func configuration(at index: LogIndex) -> Configuration {
        (items.last { $0.index <= index } ?? items[0]).configuration
    }

    mutating func append(_ configuration: Configuration, at index: LogIndex) { items.append((index, configuration)) }

    mutating func truncate(from index: LogIndex) {
        while items.count > 1, currentIndex >= index { items.removeLast() }
    }

    /// Forgets what no index from `index` on asks for.
    mutating func compact(through index: LogIndex) {
        while items.count > 1, items[1].index <= index { items.removeFirst() }
    }
}
