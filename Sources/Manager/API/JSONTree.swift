/// JSON of any shape: to tell what of a request is lost on the way into the model.
indirect enum JSONTree: Decodable, Equatable {
    case nothing
    case truth(Bool)
    case number(Double)
    case text(String)
    case list([JSONTree])
    case members([String: JSONTree])

    /// Nobody's request is deeper.
    private static let depthLimit = 32

    init(from decoder: any Decoder) throws {
        guard decoder.codingPath.count <= Self.depthLimit else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "nested more than \(Self.depthLimit) deep"))
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .nothing
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let truth = try? container.decode(Bool.self) {
            self = .truth(truth)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if (try? decoder.unkeyedContainer()) != nil {
            self = .list(try container.decode([JSONTree].self))
        } else {
            self = .members(try container.decode([String: JSONTree].self))
        }
    }

    /// Whether it says no more than its absence would.
    private var isEmpty: Bool {
        switch self {
        case .nothing, .truth(false), .number(0), .text(""), .text("default"): true
        case .truth, .number, .text: false
        case .list(let values): values.allSatisfy(\.isEmpty)
        case .members(let values): values.values.allSatisfy(\.isEmpty)
        }
    }

    /// The path of something in here that says something and is not in `kept`; the first by name.
    ///
    /// - Parameter besides: members at this level that may be lost.
    func firstLost(in kept: JSONTree?, besides: Set<String> = [], path: String = "") -> String? {
        guard !isEmpty else { return nil }
        switch self {
        case .members(let given):
            // Some clients write members in their own case, which the model takes where it knows of it.
            var there: [String: JSONTree] = [:]
            if case .members(let members)? = kept { for (name, value) in members { there[name.lowercased()] = value } }
            for name in given.keys.sorted() where !besides.contains(name) {
                let inner = path.isEmpty ? name : "\(path).\(name)"
                if let lost = given[name]?.firstLost(in: there[name.lowercased()], path: inner) { return lost }
            }
            return nil
        case .list(let given):
            let there: [JSONTree] = if case .list(let kept)? = kept { kept } else { [] }
            for (index, value) in given.enumerated() {
                let other = index < there.count ? there[index] : nil
                if let lost = value.firstLost(in: other, path: "\(path)[\(index)]") { return lost }
            }
            return nil
        default:
            return kept == nil ? path : nil
        }
    }
}
