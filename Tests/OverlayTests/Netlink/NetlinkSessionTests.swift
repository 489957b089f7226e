import Platform
import Testing

@testable import Overlay

struct NetlinkSessionTests {
    private func request(_ purpose: String = "do something") -> NetlinkSession.Request {
        NetlinkSession.Request(16, purpose) { $0.integer(UInt32(7)) }
    }

    @Test func anAcknowledgementEndsARequest() throws {
        let channel = ScriptedChannel([ScriptedChannel.acknowledgement(1)])
        try NetlinkSession(channel).perform(request())
        // Length 20, type 16, NLM_F_REQUEST | NLM_F_ACK, sequence 1, port 0, payload.
        #expect(channel.sent == [[20, 0, 0, 0, 16, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0]])
    }

    @Test func anErrorCarriesErrnoAndTheKernelsText() throws {
        let channel = ScriptedChannel([ScriptedChannel.acknowledgement(1, errno: 17, text: "VNI in use")])
        let error = #expect(throws: OverlayError.self) { try NetlinkSession(channel).perform(request("create it")) }
        #expect(error?.code == .kernelRefused && error?.errno == 17)
        #expect(error?.message == "create it (VNI in use)")
    }

    @Test func pipelinedRequestsKeepTheirOwnOutcomes() throws {
        let channel = ScriptedChannel([
            ScriptedChannel.acknowledgement(1) + ScriptedChannel.acknowledgement(2, errno: 2),
            ScriptedChannel.acknowledgement(3),
        ])
        let outcomes = try NetlinkSession(channel).perform([request(), request(), request()])
        #expect(outcomes.map { $0?.errno } == [nil, 2, nil])
        #expect(channel.sent.count == 1)
    }

    @Test func anInterruptedDumpIsReadAgain() throws {
        let item = { (sequence: UInt32, flags: UInt16) in
            ScriptedChannel.message(16, flags: flags, sequence: sequence) { $0.integer(sequence) }
        }
        let done = { (sequence: UInt32) in ScriptedChannel.message(3, sequence: sequence) { $0.integer(Int32(0)) } }
        let channel = ScriptedChannel([
            item(1, 2), item(1, 2 | 0x10) + done(1),
            // An answer to nobody's question is passed over.
            item(9, 2) + item(2, 2), item(2, 2), done(2),
        ])
        let messages = try NetlinkSession(channel).dump(request())
        #expect(messages.map(\.sequence) == [2, 2])
        #expect(channel.sent.count == 2)
    }

    @Test func aDumpThatNeverHoldsStillIsGivenUp() throws {
        let attempts = NetlinkSession.dumpAttempts
        let channel = ScriptedChannel(
            (1...attempts).map { number in
                ScriptedChannel.message(3, flags: 0x10, sequence: UInt32(number)) { $0.integer(Int32(0)) }
            })
        let error = #expect(throws: OverlayError.self) { try NetlinkSession(channel).dump(request()) }
        #expect(error?.code == .dumpInterrupted)
    }

    @Test func aLinkIsReadFromItsFrame() throws {
        let frame = ScriptedChannel.message(16, sequence: 1) {
            $0.raw([0, 0, 1, 0])
            $0.integer(Int32(4))
            $0.integer(UInt32(0x1043))
            $0.integer(UInt32(0))
            $0.text(3, "vxlan0")
            $0.value(4, UInt32(1450))
            $0.content(1, [2, 66, 10, 0, 1, 2])
            $0.value(10, Int32(3))
            $0.nest(18) {
                $0.text(1, "vxlan")
                $0.nest(2) {
                    $0.value(1, UInt32(4097))
                    $0.content(4, [192, 168, 77, 1])
                    $0.value(15, UInt16(4789).bigEndian)
                }
                $0.text(4, "bridge")
                $0.nest(5) { $0.value(8, UInt8(0)) }
            }
        }
        let done = ScriptedChannel.message(3, sequence: 1) { $0.integer(Int32(0)) }
        let links = try RouteSession(NetlinkSession(ScriptedChannel([frame + done]))).links()
        #expect(
            links == [
                Link(
                    index: 4, name: "vxlan0", kind: "vxlan", mac: MACAddress(derivedFrom: IPv4Address(10, 0, 1, 2)),
                    mtu: 1450, isUp: true, master: 3,
                    vxlan: VXLANParameters(vni: 4097, local: IPv4Address(192, 168, 77, 1), port: 4789),
                    port: BridgePortOptions(learning: false))
            ])
    }

    @Test func garbageIsRefusedAndNeverTrappedOn() {
        var seed: UInt64 = 42
        func random(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        let valid = ScriptedChannel.message(16, flags: 2, sequence: 1) {
            $0.raw([UInt8](repeating: 0, count: 16))
            $0.text(3, "eth0")
            $0.nest(18) { writer in
                writer.text(1, "vxlan")
                writer.nest(2) { $0.value(1, UInt32(9)) }
            }
            $0.value(10, Int32(3))
        }
        for _ in 0..<20_000 {
            var bytes = valid
            for _ in 0..<(1 + random(8)) { bytes[random(bytes.count)] = UInt8(random(256)) }
            bytes.removeLast(random(bytes.count))
            let session = { NetlinkSession(ScriptedChannel([bytes])) }
            _ = try? RouteSession(session()).links()
            _ = try? RouteSession(session()).routes()
            _ = try? RouteSession(session()).addresses()
            _ = try? RouteSession(session()).neighbours(of: 0)
            _ = try? RouteSession(session()).forwardingEntries()
            _ = try? ConntrackSession(session()).connections()
            _ = try? PacketFilter(session()).chainsThatDropForwarded()
        }
    }
}
