/// A wish about an object's labels as Docker's filters word it: `key=value`, or `key` for any value.
public enum LabelSelector {
    /// Whether the labels are what the selector wants.
    public static func matches(_ selector: String, _ labels: [String: String]) -> Bool {
        guard let equals = selector.firstIndex(of: "=") else { return labels[selector] != nil }
        return labels[String(selector[..<equals])] == String(selector[selector.index(after: equals)...])
    }
}
