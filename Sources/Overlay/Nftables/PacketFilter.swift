import CLinux
import Glibc
import Platform

/// The nftables of one namespace: whole tables replaced in one transaction, by our own netlink messages.
///
/// A table carries a fingerprint of what it should hold in its comment; `holds` compares it and counts rules, so that a
/// process which starts anew sees what its predecessor left, and a table that somebody emptied is noticed.
final class PacketFilter {
    private let session: NetlinkSession

    /// Opens a socket in the calling thread's namespace.
    convenience init() throws {
        self.init(NetlinkSession(try NetlinkSocket(family: NETLINK_NETFILTER)))
    }

    init(_ session: NetlinkSession) {
        self.session = session
    }

    /// Makes the table be exactly this, in one step; connections that are tracked already keep their translation.
    func replace(_ table: FilterTable) throws {
        try transact(FilterEncoder.replacement(of: table, comment: Self.fingerprint(of: table)))
    }

    /// Replaces the table unless it already is what it should be. Returns whether it had to.
    func ensure(_ table: FilterTable) throws -> Bool {
        if try holds(table) { return false }
        try replace(table)
        return true
    }

    /// Deletes a table; one that is not there is no error.
    func remove(_ table: String) throws {
        try transact([FilterEncoder.create(table, comment: nil), FilterEncoder.removal(of: table)])
    }

    /// True where the table has this fingerprint and as many chains, maps and rules as it should.
    func holds(_ table: FilterTable) throws -> Bool {
        guard try comments()[table.name] == Self.fingerprint(of: table) else { return false }
        let rules = try list(NFT_MSG_GETRULE, "list rules") {
            $0.text(NFTA_RULE_TABLE, table.name)
        }.filter { $0.text(NFTA_RULE_TABLE) == table.name }
        guard rules.count == table.chains.reduce(0, { $0 + $1.rules.count }) else { return false }
        let chains = try list(NFT_MSG_GETCHAIN, "list chains").filter { $0.text(NFTA_CHAIN_TABLE) == table.name }
        return chains.count == table.chains.count
    }

    /// The names of the tables of the `ip` family.
    func tableNames() throws -> Set<String> {
        Set(try list(NFT_MSG_GETTABLE, "list tables").compactMap { $0.text(NFTA_TABLE_NAME) })
    }

    private func comments() throws -> [String: String] {
        var comments: [String: String] = [:]
        for table in try list(NFT_MSG_GETTABLE, "list tables") {
            guard let name = table.text(NFTA_TABLE_NAME), let data = table[NFTA_TABLE_USERDATA] else { continue }
            comments[name] = Self.comment(in: data)
        }
        return comments
    }

    private func list(
        _ type: nf_tables_msg_types, family: UInt8 = UInt8(NFPROTO_IPV4), _ purpose: String,
        _ filter: @escaping (inout NetlinkWriter) -> Void = { _ in }
    ) throws -> [NetlinkAttributes] {
        try session.dump(FilterEncoder.request(type, family: family, purpose, filter)).map {
            try $0.attributes(after: 4)
        }
    }

    // MARK: Other people's tables

    /// A base chain that drops what no rule of it accepts.
    struct DroppingChain: Sendable, Hashable {
        var family: UInt8
        var table: String
        var name: String
    }

    /// The chains on the forward hook whose policy is to drop: `iptables -P FORWARD DROP` and its like.
    func chainsThatDropForwarded() throws -> [DroppingChain] {
        let request = FilterEncoder.request(NFT_MSG_GETCHAIN, family: UInt8(NFPROTO_UNSPEC), "list chains") { _ in }
        return try session.dump(request).compactMap { message in
            let chain = try message.attributes(after: 4)
            guard let family: UInt8 = message.payload.number(at: 0),
                [UInt8(NFPROTO_IPV4), UInt8(NFPROTO_INET)].contains(family),
                let hook: UInt32 = try chain.nested(NFTA_CHAIN_HOOK)?.number(NFTA_HOOK_HOOKNUM),
                UInt32(bigEndian: hook) == FilterTable.Hook.forward.rawValue,
                let policy: UInt32 = chain.number(NFTA_CHAIN_POLICY), UInt32(bigEndian: policy) == UInt32(NF_DROP),
                let table = chain.text(NFTA_CHAIN_TABLE), let name = chain.text(NFTA_CHAIN_NAME)
            else { return nil }
            return DroppingChain(family: family, table: table, name: name)
        }
    }

    /// Puts rules in front of a chain, except those whose comment is there already. Returns how many were put there.
    func insert(_ rules: [FilterTable.Rule], into chain: DroppingChain) throws -> Int {
        let present = try list(NFT_MSG_GETRULE, family: chain.family, "list rules") {
            $0.text(NFTA_RULE_TABLE, chain.table)
            $0.text(NFTA_RULE_CHAIN, chain.name)
        }.compactMap { $0[NFTA_RULE_USERDATA].flatMap(Self.comment(in:)) }
        let missing = rules.filter { rule in rule.comment.map { !present.contains($0) } ?? true }
        try transact(
            missing.map {
                FilterEncoder.insertion(of: $0, family: chain.family, table: chain.table, chain: chain.name)
            })
        return missing.count
    }

    /// Takes rules with these comments out of a chain again.
    func removeRules(commented comments: Set<String>, from chain: DroppingChain) throws {
        let handles: [UInt64] = try list(NFT_MSG_GETRULE, family: chain.family, "list rules") {
            $0.text(NFTA_RULE_TABLE, chain.table)
            $0.text(NFTA_RULE_CHAIN, chain.name)
        }.compactMap { rule in
            guard let comment = rule[NFTA_RULE_USERDATA].flatMap(Self.comment(in:)), comments.contains(comment)
            else { return nil }
            return rule.number(NFTA_RULE_HANDLE)
        }
        try transact(
            handles.map { handle in
                FilterEncoder.request(NFT_MSG_DELRULE, family: chain.family, "remove a rule of \(chain.table)") {
                    $0.text(NFTA_RULE_TABLE, chain.table)
                    $0.text(NFTA_RULE_CHAIN, chain.name)
                    $0.value(NFTA_RULE_HANDLE, handle)
                }
            })
    }

    // MARK: Transactions

    /// Sends messages as one batch: all of them take effect or none.
    private func transact(_ requests: [NetlinkSession.Request]) throws {
        guard let last = requests.last else { return }
        var writer = NetlinkWriter()
        let begin = session.nextSequence()
        writer.message(type: UInt16(NLMSG_MIN_TYPE), flags: UInt16(NLM_F_REQUEST), sequence: begin) {
            FilterEncoder.header(&$0, family: UInt8(AF_UNSPEC), resource: UInt16(NFNL_SUBSYS_NFTABLES))
        }
        for (index, request) in requests.enumerated() {
            // One acknowledgement is enough: errors are answered without asking.
            let acknowledge = index == requests.count - 1 ? UInt16(NLM_F_ACK) : 0
            writer.message(
                type: request.type, flags: request.flags | UInt16(NLM_F_REQUEST) | acknowledge,
                sequence: session.nextSequence(), request.body)
        }
        let end = session.nextSequence()
        writer.message(type: UInt16(NLMSG_MIN_TYPE) + 1, flags: UInt16(NLM_F_REQUEST), sequence: end) {
            FilterEncoder.header(&$0, family: UInt8(AF_UNSPEC), resource: UInt16(NFNL_SUBSYS_NFTABLES))
        }
        try session.channel.send(writer.bytes)

        var failure: OverlayError?
        while true {
            for message in try NetlinkMessage.parse(try session.channel.receive())
            where message.type == UInt16(NLMSG_ERROR) {
                let index = Int(message.sequence &- begin) - 1
                guard (-1..<requests.count).contains(index) else { continue }
                let purpose = index >= 0 ? requests[index].purpose : "commit of: \(last.purpose)"
                if failure == nil { failure = NetlinkSession.failure(in: message, purpose) }
                // An error of the batch's first message is the whole batch's, and the only answer.
                if index == -1 || index == requests.count - 1 {
                    if let failure { throw failure }
                    return
                }
            }
        }
    }

    // MARK: Fingerprints

    /// `martlet` and a digest of the messages that would make the table.
    static func fingerprint(of table: FilterTable) -> String {
        var writer = NetlinkWriter()
        for request in FilterEncoder.replacement(of: table, comment: "") { request.body(&writer) }
        return "martlet \(StableHash.text(of: writer.bytes))"
    }

    private static func comment(in data: ArraySlice<UInt8>) -> String? {
        guard data.count >= 2, data.first == 0 else { return nil }
        return String(decoding: data.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self)
    }
}
