import FoundationEssentials

/// The `filters` parameter of a list request, in both shapes that clients send: a map of maps
/// (`{"label":{"a=b":true}}`, the CLI) and a map of lists (`{"label":["a=b"]}`, docker-py).
public struct QueryFilters: Sendable, Equatable {
    /// Bytes of a filter text that is read.
    public static let lengthLimit = 64 << 10

    /// Values by filter name, sorted.
    public let values: [String: [String]]

    /// No filters.
    public init() { values = [:] }

    /// Reads the parameter's text; nil where it is not of either shape. An empty one filters nothing.
    public init?(_ text: String?) {
        guard let text, !text.isEmpty else {
            values = [:]
            return
        }
        guard text.utf8.count <= Self.lengthLimit else { return nil }
        let bytes = Data(text.utf8)
        if let lists = try? JSONDecoder().decode([String: [String]].self, from: bytes) {
            values = lists.mapValues { $0.sorted() }
        } else if let maps = try? JSONDecoder().decode([String: [String: Bool]].self, from: bytes) {
            values = maps.mapValues { map in map.filter(\.value).keys.sorted() }
        } else {
            return nil
        }
    }

    /// The values of a filter; nil where it is not given.
    public subscript(_ name: String) -> [String]? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// The names that are not among these, sorted: an engine refuses them.
    public func names(besides known: Set<String>) -> [String] { values.keys.filter { !known.contains($0) }.sorted() }

    /// Whether an object has all the labels of the filter `label` (or of another name): `key` or `key=value`.
    public func matchLabels(_ labels: [String: String], name: String = "label") -> Bool {
        (self[name] ?? []).allSatisfy { LabelSelector.matches($0, labels) }
    }
}
