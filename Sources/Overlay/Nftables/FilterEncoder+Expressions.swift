import CLinux
import Glibc
import Platform

extension FilterEncoder {
    /// Writes one expression as a list element: its name, then its attributes. `set` is the id of the anonymous map that
    /// was made for a `pickAddress`.
    static func write(_ expression: FilterExpression, set: UInt32?, to writer: inout NetlinkWriter) {
        func element(_ name: String, _ data: ((inout NetlinkWriter) -> Void)? = nil) {
            writer.nest(NFTA_LIST_ELEM) {
                $0.text(NFTA_EXPR_NAME, name)
                if let data { $0.nest(NFTA_EXPR_DATA, data) }
            }
        }
        func number(_ value: UInt32) -> UInt32 { value.bigEndian }

        switch expression {
        case .payload(let base, let offset, let length, let register):
            element("payload") {
                $0.value(NFTA_PAYLOAD_DREG, number(register))
                $0.value(NFTA_PAYLOAD_BASE, number(base.rawValue))
                $0.value(NFTA_PAYLOAD_OFFSET, number(offset))
                $0.value(NFTA_PAYLOAD_LEN, number(length))
            }
        case .meta(let key, let register):
            element("meta") {
                $0.value(NFTA_META_DREG, number(register))
                $0.value(NFTA_META_KEY, number(key.rawValue))
            }
        case .conntrack(let key, let register):
            element("ct") {
                $0.value(NFTA_CT_DREG, number(register))
                $0.value(NFTA_CT_KEY, number(key.rawValue))
            }
        case .destinationAddressType(let register):
            element("fib") {
                $0.value(NFTA_FIB_DREG, number(register))
                $0.value(NFTA_FIB_RESULT, number(NFT_FIB_RESULT_ADDRTYPE.rawValue))
                $0.value(NFTA_FIB_FLAGS, number(NFTA_FIB_F_DADDR.rawValue))
            }
        case .bitwiseAnd(let register, let mask):
            element("bitwise") {
                $0.value(NFTA_BITWISE_SREG, number(register))
                $0.value(NFTA_BITWISE_DREG, number(register))
                $0.value(NFTA_BITWISE_LEN, number(UInt32(mask.count)))
                $0.nest(NFTA_BITWISE_MASK) { $0.content(NFTA_DATA_VALUE, mask) }
                $0.nest(NFTA_BITWISE_XOR) { $0.content(NFTA_DATA_VALUE, mask.map { _ in 0 }) }
            }
        case .compare(let register, let isEqual, let bytes):
            element("cmp") {
                $0.value(NFTA_CMP_SREG, number(register))
                $0.value(NFTA_CMP_OP, number(isEqual ? NFT_CMP_EQ.rawValue : NFT_CMP_NEQ.rawValue))
                $0.nest(NFTA_CMP_DATA) { $0.content(NFTA_DATA_VALUE, bytes) }
            }
        case .immediate(let register, let bytes):
            element("immediate") {
                $0.value(NFTA_IMMEDIATE_DREG, number(register))
                $0.nest(NFTA_IMMEDIATE_DATA) { $0.content(NFTA_DATA_VALUE, bytes) }
            }
        case .verdict(let verdict):
            element("immediate") {
                $0.value(NFTA_IMMEDIATE_DREG, number(0))
                $0.nest(NFTA_IMMEDIATE_DATA) { $0.nest(NFTA_DATA_VERDICT) { write(verdict, to: &$0) } }
            }
        case .verdictMap(let name, let register):
            element("lookup") {
                $0.text(NFTA_LOOKUP_SET, name)
                $0.value(NFTA_LOOKUP_SREG, number(register))
                $0.value(NFTA_LOOKUP_DREG, number(0))
            }
        case .choose(let choice, let modulus, let register):
            element("numgen") {
                $0.value(NFTA_NG_DREG, number(register))
                $0.value(NFTA_NG_MODULUS, number(modulus))
                $0.value(NFTA_NG_TYPE, number(choice.rawValue))
                $0.value(NFTA_NG_OFFSET, number(0))
            }
        case .pickAddress(_, let register):
            element("lookup") {
                $0.text(NFTA_LOOKUP_SET, "__map%d")
                $0.value(NFTA_LOOKUP_SREG, number(register))
                $0.value(NFTA_LOOKUP_DREG, number(register))
                if let set { $0.value(NFTA_LOOKUP_SET_ID, number(set)) }
            }
        case .destinationTranslation(let address, let port):
            element("nat") { translation(&$0, NFT_NAT_DNAT.rawValue, address: address, port: port) }
        case .sourceTranslation(let address):
            element("nat") { translation(&$0, NFT_NAT_SNAT.rawValue, address: address, port: nil) }
        case .masquerade:
            element("masq")
        case .reject(let rejection):
            element("reject") {
                switch rejection {
                case .tcpReset:
                    $0.value(NFTA_REJECT_TYPE, number(NFT_REJECT_TCP_RST.rawValue))
                    $0.value(NFTA_REJECT_ICMP_CODE, UInt8(0))
                case .portUnreachable, .hostUnreachable:
                    // ICMP destination unreachable codes: 3 port, 1 host (RFC 792).
                    $0.value(NFTA_REJECT_TYPE, number(NFT_REJECT_ICMP_UNREACH.rawValue))
                    $0.value(NFTA_REJECT_ICMP_CODE, UInt8(rejection == .portUnreachable ? 3 : 1))
                }
            }
        case .notrack:
            element("notrack")
        case .counter:
            element("counter")
        }
    }

    private static func translation(
        _ writer: inout NetlinkWriter, _ type: UInt32, address: UInt32, port: UInt32?
    ) {
        writer.value(NFTA_NAT_TYPE, type.bigEndian)
        writer.value(NFTA_NAT_FAMILY, UInt32(NFPROTO_IPV4).bigEndian)
        writer.value(NFTA_NAT_REG_ADDR_MIN, address.bigEndian)
        if let port { writer.value(NFTA_NAT_REG_PROTO_MIN, port.bigEndian) }
    }

    static func write(_ verdict: FilterTable.Verdict, to writer: inout NetlinkWriter) {
        let code: Int32
        var chain: String?
        switch verdict {
        case .accept: code = NF_ACCEPT
        case .drop: code = NF_DROP
        case .jump(let name): (code, chain) = (NFT_JUMP.rawValue, name)
        case .goto(let name): (code, chain) = (NFT_GOTO.rawValue, name)
        }
        writer.value(NFTA_VERDICT_CODE, code.bigEndian)
        if let chain { writer.text(NFTA_VERDICT_CHAIN, chain) }
    }
}
