import Foundation
import Testing

/// One seed, one history, in two processes: Swift seeds its hashes anew in each, so an unordered iteration anywhere in core,
/// driver, log or simulator shows as a difference.
@Suite struct DeterminismTests {
    private static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("raft-simulate")

    private func trace(_ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["SWIFT_DETERMINISTIC_HASHING"] = nil
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return bytes
    }

    @Test(arguments: [3, 4, 17, 2024])
    func sameSeedSameTraceInTwoProcesses(seed: Int) throws {
        let arguments = ["--seed", "\(seed)", "--trace", "--spares", "\(seed % 3)"]
        let first = try trace(arguments)
        let second = try trace(arguments)
        #expect(first.count > 10_000)
        #expect(first == second)
    }

    @Test func anotherSeedIsAnotherTrace() throws {
        #expect(try trace(["--seed", "3", "--trace"]) != trace(["--seed", "4", "--trace"]))
    }
}
