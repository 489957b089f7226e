import Platform

/// An nftables table of the `ip` family as a value: what `PacketFilter` makes the kernel have.
struct FilterTable: Sendable, Hashable {
    var name: String
    var maps: [VerdictMap] = []
    var chains: [Chain]

    /// Where a base chain is hooked in.
    enum Hook: UInt32, Sendable {
        // The NF_INET_* numbers.
        case prerouting = 0
        case input = 1
        case forward = 2
        case output = 3
        case postrouting = 4
    }

    /// What a base chain may contain.
    enum ChainType: String, Sendable {
        case filter
        case nat
    }

    /// The priorities of <linux/netfilter_ipv4.h>.
    enum Priority {
        static let raw: Int32 = -300
        static let destinationTranslation: Int32 = -100
        static let filter: Int32 = 0
        static let sourceTranslation: Int32 = 100
    }

    /// A chain; without `base` it runs only where a verdict leads to it.
    struct Chain: Sendable, Hashable {
        var name: String
        var base: Base?
        var rules: [Rule]

        struct Base: Sendable, Hashable {
            var type: ChainType
            var hook: Hook
            var priority: Int32
            /// What becomes of packets that no rule decides on.
            var policy = Verdict.accept
        }

        init(
            _ name: String, _ type: ChainType, _ hook: Hook, priority: Int32, _ rules: [Rule],
            policy: Verdict = .accept
        ) {
            self.name = name
            self.base = Base(type: type, hook: hook, priority: priority, policy: policy)
            self.rules = rules
        }

        init(_ name: String, _ rules: [Rule]) {
            self.name = name
            self.base = nil
            self.rules = rules
        }
    }

    /// A named map from a key to the chain that goes on.
    struct VerdictMap: Sendable, Hashable {
        var name: String
        var key: Key
        /// Keys as they lie in the registers, each part padded to 4 bytes.
        var elements: [Element]

        enum Key: Sendable, Hashable {
            case address
            case transportAndPort
        }

        struct Element: Sendable, Hashable {
            var key: [UInt8]
            var verdict: Verdict

            init(_ address: IPv4Address, _ verdict: Verdict) {
                key = address.bytes
                self.verdict = verdict
            }

            init(transport: UInt8, port: UInt16, _ verdict: Verdict) {
                key = [transport, 0, 0, 0, UInt8(truncatingIfNeeded: port >> 8), UInt8(truncatingIfNeeded: port), 0, 0]
                self.verdict = verdict
            }
        }
    }

    enum Verdict: Sendable, Hashable {
        case accept
        case drop
        case jump(String)
        case goto(String)
    }

    /// One rule: its expressions from left to right, and a comment that `nft list` shows.
    struct Rule: Sendable, Hashable {
        var expressions: [FilterExpression]
        var comment: String?

        init(_ expressions: [FilterExpression], comment: String? = nil) {
            self.expressions = expressions
            self.comment = comment
        }
    }
}
