import Glibc
import HTTP
import Model
import Platform

/// Opens the sealed keys of a manager that was started.
enum Unlock: Command {
    static let syntax = Syntax(
        path: ["unlock"], summary: "Unlock this manager, which was started with its keys sealed",
        notes: [
            "The key is asked for, and not shown while it is typed; or it is read from standard input: "
                + "'clusterctl unlock < FILE'. It is no argument, so that no list of processes shows it."
        ])

    private static let maximumBytes = 1 << 10

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let state = try await session.engine.fetch(SystemInfo.self, ["info"]).swarm.localNodeState
        guard state == .locked else {
            throw Failure(
                state == .inactive ? "this node is in no cluster" : "this node is not locked: there is nothing to do")
        }
        let text: String
        if Terminal.isInteractive(STDIN_FILENO) {
            guard let typed = Terminal.readSecret("Unlock key: ") else { throw Failure("no key was typed") }
            text = typed
        } else {
            let bytes = try Files.read(STDIN_FILENO, upTo: maximumBytes, "standard input")
            text = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        }
        guard let key = UnlockKey(text) else {
            throw Failure(
                "that is no unlock key: wanted is SWMKEY-1-...",
                hint: "'clusterctl manager unlock-key', said on another manager, shows it.")
        }
        do {
            try await session.engine.call(
                .post, ["swarm", "unlock"], json: SwarmUnlockKey(unlockKey: key.text))
        } catch let error as EngineError where error.message.contains("invalid key") {
            throw Failure(
                "that is not the key of this manager",
                hint: "One that was down while the key was changed still has the former one.")
        }
        session.console.line("Unlocked; this manager takes part in its cluster again.")
    }
}
