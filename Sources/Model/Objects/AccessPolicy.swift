/// What a token may: any one of its rules is enough, and nothing else is allowed.
public struct AccessPolicy: Codable, Sendable, Equatable {
    /// What calls are about.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case any = "*"
        case service, task, node, network, secret, config, container, image, volume
        /// Keys and sessions of the key-value store.
        case key, session
        /// The cluster itself: tokens, certificates, backups, membership; and what a node says of itself.
        case cluster

        /// Whether its objects carry labels that users give: a task has those of its service.
        public var isLabelled: Bool {
            switch self {
            case .service, .task, .node, .network, .secret, .config: true
            case .any, .container, .image, .volume, .key, .session, .cluster: false
            }
        }
    }

    /// Each holds the ones before it.
    public enum Access: String, Codable, Sendable, CaseIterable, Comparable {
        case read, write, admin

        private var order: Int { self == .read ? 0 : self == .write ? 1 : 2 }
        public static func < (left: Access, right: Access) -> Bool { left.order < right.order }
    }

    /// One thing that is allowed.
    public struct Rule: Codable, Sendable, Equatable {
        public var kind: Kind
        public var access: Access
        /// Of keys: only those that begin so, byte by byte.
        public var prefix: String?
        /// Of objects: only those that carry all of these, `key=value` or `key` alone.
        public var labels: [String]?

        public init(kind: Kind, access: Access, prefix: String? = nil, labels: [String]? = nil) {
            self.kind = kind
            self.access = access
            self.prefix = prefix
            self.labels = labels
        }

        /// Whether it is about the kind and grants so much, whatever keys or labels it names.
        public func allows(_ access: Access, _ kind: Kind) -> Bool {
            (self.kind == kind || self.kind == .any) && self.access >= access
        }
    }

    public static let ruleLimit = 64

    public var rules: [Rule]

    public init(rules: [Rule]) { self.rules = rules }

    /// - Parameters:
    ///   - key: the key, or the prefix of all keys, that the call is about; nil where it may be about any.
    ///   - labels: those of the object that the call is about; nil where it may be about any.
    public func allows(
        _ access: Access, _ kind: Kind, key: String? = nil, labels: [String: String]? = nil
    ) -> Bool {
        rules.contains { rule in
            guard rule.allows(access, kind) else { return false }
            if let prefix = rule.prefix { return kind == .key && key?.utf8.starts(with: prefix.utf8) == true }
            guard let wanted = rule.labels else { return true }
            guard kind.isLabelled, let labels else { return false }
            return wanted.allSatisfy { LabelSelector.matches($0, labels) }
        }
    }

    /// Whether there are labels with which an object of this kind would be allowed.
    public func mayAllow(_ access: Access, _ kind: Kind) -> Bool {
        kind.isLabelled && rules.contains { $0.allows(access, kind) && $0.prefix == nil }
    }

    /// Whether a rule names labels: managers of former versions know none.
    public var namesLabels: Bool { rules.contains { $0.labels != nil } }
}
