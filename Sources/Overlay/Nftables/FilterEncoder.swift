import CLinux
import Glibc
import Platform

/// Writes tables as nf_tables messages; the numbers in them are big-endian, unlike the rest of netlink.
struct FilterEncoder {
    typealias Request = NetlinkSession.Request

    /// Elements in one message: keeps the list attribute well below its 64 KiB.
    static let elementsPerMessage = 500
    /// What `nft list` prints sets by: its data types' numbers.
    private enum DataType {
        static let integer: UInt32 = 4
        static let address: UInt32 = 7
        static let transport: UInt32 = 12
        static let port: UInt32 = 13
        static let verdict: UInt32 = 0xffff_ff00
        /// Types of a concatenation's parts, six bits each.
        static func concatenation(_ first: UInt32, _ second: UInt32) -> UInt32 { first << 6 | second }
    }

    private let table: FilterTable
    private var lastSet: UInt32 = 0
    private(set) var requests: [Request] = []

    private init(_ table: FilterTable) {
        self.table = table
    }

    /// The messages of one transaction that leaves exactly this table, whatever was there under its name.
    static func replacement(of table: FilterTable, comment: String) -> [Request] {
        var encoder = FilterEncoder(table)
        // Deleting what may not be there: made first, since a failing message spoils the whole transaction.
        encoder.requests.append(create(table.name, comment: nil))
        encoder.requests.append(removal(of: table.name))
        encoder.requests.append(create(table.name, comment: comment))
        for chain in table.chains { encoder.add(chain) }
        for map in table.maps { encoder.add(map) }
        for chain in table.chains {
            for rule in chain.rules { encoder.add(rule, to: chain.name) }
        }
        return encoder.requests
    }

    static func removal(of table: String) -> Request {
        request(NFT_MSG_DELTABLE, "delete table \(table)") { $0.text(NFTA_TABLE_NAME, table) }
    }

    static func create(_ table: String, comment: String?) -> Request {
        request(NFT_MSG_NEWTABLE, flags: NLM_F_CREATE, "create table \(table)") {
            $0.text(NFTA_TABLE_NAME, table)
            $0.value(NFTA_TABLE_FLAGS, UInt32(0))
            if let comment { $0.content(NFTA_TABLE_USERDATA, userData(comment)) }
        }
    }

    /// A rule that goes in front of all others of a chain of somebody else's table.
    static func insertion(
        of rule: FilterTable.Rule, family: UInt8, table: String, chain: String
    ) -> Request {
        request(NFT_MSG_NEWRULE, flags: NLM_F_CREATE, family: family, "insert a rule in \(table) \(chain)") {
            $0.text(NFTA_RULE_TABLE, table)
            $0.text(NFTA_RULE_CHAIN, chain)
            $0.nest(NFTA_RULE_EXPRESSIONS) { writer in
                for expression in rule.expressions { write(expression, set: nil, to: &writer) }
            }
            if let comment = rule.comment { $0.content(NFTA_RULE_USERDATA, userData(comment)) }
        }
    }

    static func request(
        _ type: nf_tables_msg_types, flags: Int32 = 0, family: UInt8 = UInt8(NFPROTO_IPV4), _ purpose: String,
        _ body: @escaping (inout NetlinkWriter) -> Void
    ) -> Request {
        Request(UInt32(NFNL_SUBSYS_NFTABLES) << 8 | type.rawValue, flags: flags, purpose) {
            header(&$0, family: family, resource: 0)
            body(&$0)
        }
    }

    static func header(_ writer: inout NetlinkWriter, family: UInt8, resource: UInt16) {
        writer.integer(family)
        writer.integer(UInt8(NFNETLINK_V0))
        writer.integer(resource.bigEndian)
    }

    /// A comment as nft keeps it: type 0, length, text with its terminating zero; at most 127 bytes.
    static func userData(_ comment: String) -> [UInt8] {
        let text = [UInt8](comment.utf8.prefix(126)) + [0]
        return [0, UInt8(text.count)] + text
    }

    // MARK: Parts of a table

    private mutating func add(_ chain: FilterTable.Chain) {
        let name = table.name
        requests.append(
            Self.request(NFT_MSG_NEWCHAIN, flags: NLM_F_CREATE, "create chain \(chain.name)") {
                $0.text(NFTA_CHAIN_TABLE, name)
                $0.text(NFTA_CHAIN_NAME, chain.name)
                guard let base = chain.base else { return }
                $0.nest(NFTA_CHAIN_HOOK) {
                    $0.value(NFTA_HOOK_HOOKNUM, base.hook.rawValue.bigEndian)
                    $0.value(NFTA_HOOK_PRIORITY, base.priority.bigEndian)
                }
                $0.value(NFTA_CHAIN_POLICY, UInt32(base.policy == .drop ? NF_DROP : NF_ACCEPT).bigEndian)
                $0.text(NFTA_CHAIN_TYPE, base.type.rawValue)
            })
    }

    private mutating func add(_ map: FilterTable.VerdictMap) {
        let (type, length): (UInt32, UInt32) =
            switch map.key {
            case .address: (DataType.address, 4)
            case .transportAndPort: (DataType.concatenation(DataType.transport, DataType.port), 8)
            }
        let id = addSet(map.name, flags: NFT_SET_MAP.rawValue, keyType: type, keyLength: length, DataType.verdict, 16)
        let elements = map.elements.map { element in
            (
                element.key,
                { (writer: inout NetlinkWriter) in
                    writer.nest(NFTA_DATA_VERDICT) { Self.write(element.verdict, to: &$0) }
                }
            )
        }
        addElements(elements, set: map.name, id: id)
    }

    private mutating func add(_ rule: FilterTable.Rule, to chain: String) {
        var sets: [Int: UInt32] = [:]
        for (index, expression) in rule.expressions.enumerated() {
            if case .pickAddress(let addresses, _) = expression { sets[index] = addAnonymousMap(addresses) }
        }
        let name = table.name
        let bound = sets
        requests.append(
            Self.request(NFT_MSG_NEWRULE, flags: NLM_F_CREATE | NLM_F_APPEND, "add a rule to chain \(chain)") {
                $0.text(NFTA_RULE_TABLE, name)
                $0.text(NFTA_RULE_CHAIN, chain)
                $0.nest(NFTA_RULE_EXPRESSIONS) { writer in
                    for (index, expression) in rule.expressions.enumerated() {
                        Self.write(expression, set: bound[index], to: &writer)
                    }
                }
                if let comment = rule.comment { $0.content(NFTA_RULE_USERDATA, Self.userData(comment)) }
            })
    }

    /// A constant map from index to address that belongs to the one rule that uses it.
    private mutating func addAnonymousMap(_ addresses: [IPv4Address]) -> UInt32 {
        let flags = NFT_SET_ANONYMOUS.rawValue | NFT_SET_CONSTANT.rawValue | NFT_SET_MAP.rawValue
        let id = addSet("__map%d", flags: flags, keyType: DataType.integer, keyLength: 4, DataType.address, 4)
        let elements = addresses.enumerated().map { index, address in
            (
                [FilterExpression].hostOrder(UInt32(index)),
                { (writer: inout NetlinkWriter) in writer.content(NFTA_DATA_VALUE, address.bytes) }
            )
        }
        addElements(elements, set: "__map%d", id: id)
        return id
    }

    private mutating func addSet(
        _ set: String, flags: UInt32, keyType: UInt32, keyLength: UInt32, _ dataType: UInt32, _ dataLength: UInt32
    ) -> UInt32 {
        lastSet += 1
        let id = lastSet
        let name = table.name
        requests.append(
            Self.request(NFT_MSG_NEWSET, flags: NLM_F_CREATE, "create map \(set)") {
                $0.text(NFTA_SET_TABLE, name)
                $0.text(NFTA_SET_NAME, set)
                $0.value(NFTA_SET_FLAGS, flags.bigEndian)
                $0.value(NFTA_SET_KEY_TYPE, keyType.bigEndian)
                $0.value(NFTA_SET_KEY_LEN, keyLength.bigEndian)
                $0.value(NFTA_SET_DATA_TYPE, dataType.bigEndian)
                $0.value(NFTA_SET_DATA_LEN, dataLength.bigEndian)
                $0.value(NFTA_SET_ID, id.bigEndian)
                // For nft's listing: keys are numbers in host byte order (type 0, 4 bytes, BYTEORDER_HOST_ENDIAN).
                if keyType == DataType.integer {
                    $0.content(NFTA_SET_USERDATA, [0, 4] + [FilterExpression].hostOrder(1))
                }
            })
        return id
    }

    private mutating func addElements(
        _ elements: [(key: [UInt8], data: (inout NetlinkWriter) -> Void)], set: String, id: UInt32
    ) {
        let name = table.name
        var rest = elements[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.elementsPerMessage)
            rest = rest.dropFirst(part.count)
            requests.append(
                Self.request(NFT_MSG_NEWSETELEM, flags: NLM_F_CREATE, "fill map \(set)") {
                    $0.text(NFTA_SET_ELEM_LIST_TABLE, name)
                    $0.text(NFTA_SET_ELEM_LIST_SET, set)
                    $0.value(NFTA_SET_ELEM_LIST_SET_ID, id.bigEndian)
                    $0.nest(NFTA_SET_ELEM_LIST_ELEMENTS) { writer in
                        for element in part {
                            writer.nest(NFTA_LIST_ELEM) {
                                $0.nest(NFTA_SET_ELEM_KEY) { $0.content(NFTA_DATA_VALUE, element.key) }
                                $0.nest(NFTA_SET_ELEM_DATA, element.data)
                            }
                        }
                    }
                })
        }
    }
}
