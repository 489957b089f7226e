import Foundation
import RaftSimulation

// raft-simulate --seed N [--trace] [--members N] [--spares N] [--chaos-ms N] [--fault-ms N] [--client-ms N]:
// one history, and its digest.
// raft-simulate --seeds N [--from N] [--keep-going]: many; ends at the first failure, or counts them.

func value(_ name: String) -> UInt64? {
    guard let position = CommandLine.arguments.firstIndex(of: name), position + 1 < CommandLine.arguments.count else {
        return nil
    }
    return UInt64(CommandLine.arguments[position + 1])
}

/// What the seed says, where the command line says nothing.
func options(_ seed: UInt64) -> SimulationOptions {
    var options = SimulationOptions.drawn(from: seed)
    if let members = value("--members") { options.members = Int(members) }
    if let spares = value("--spares") { options.spares = Int(spares) }
    if let milliseconds = value("--chaos-ms") { options.chaosMilliseconds = milliseconds }
    if let milliseconds = value("--fault-ms") { options.faultMilliseconds = milliseconds }
    if let milliseconds = value("--client-ms") { options.clientMilliseconds = milliseconds }
    return options
}

@MainActor func simulate(_ seed: UInt64, isAlone: Bool) throws -> Simulation {
    let recording = isAlone && CommandLine.arguments.contains("--trace")
    let simulation = Simulation(seed: seed, options: options(seed), recording: recording)
    defer {
        for line in simulation.trace.lines { print(line) }
        if isAlone {
            print(
                "seed \(seed) digest \(String(simulation.trace.digest, radix: 16)) committed \(simulation.committed)",
                "acknowledged \(simulation.acknowledged) reads \(simulation.confirmedReads)",
                "terms \(simulation.elections)")
        }
    }
    try simulation.run()
    return simulation
}

if let seed = value("--seed") {
    do { _ = try simulate(seed, isAlone: true) } catch {
        print("FAILED: \(error)")
        exit(1)
    }
    exit(0)
}
let first = value("--from") ?? 1
let count = value("--seeds") ?? 100
var failures = 0
var undecided = 0
var acknowledged = 0
var reads = 0
var readsInPlace = 0
var snapshotWaits = 0
var digest: UInt64 = 0
for seed in first..<first + count {
    // A trap ends the process before it can name its seed.
    if CommandLine.arguments.contains("--aloud") { FileHandle.standardError.write(Data("seed \(seed)\n".utf8)) }
    do {
        let simulation = try simulate(seed, isAlone: false)
        undecided += simulation.undecided ? 1 : 0
        acknowledged += simulation.acknowledged
        reads += simulation.confirmedReads
        readsInPlace += simulation.readsInPlace
        snapshotWaits += simulation.snapshotWaits
        digest = (digest ^ simulation.trace.digest) &* 0x9fb2_1c65_1e98_df25
    } catch {
        failures += 1
        // At once: whoever ends a long run wants to know what it found.
        FileHandle.standardOutput.write(Data("FAILED: \(error)\n".utf8))
        if !CommandLine.arguments.contains("--keep-going") { exit(1) }
    }
}
print(
    "seeds \(first)...\(first + count - 1): \(failures) failed, \(undecided) undecided, \(acknowledged) writes and",
    "\(reads) reads (\(readsInPlace) in place) answered,",
    "\(snapshotWaits) waits for the next snapshot, digest \(String(digest, radix: 16))")
exit(failures > 0 ? 1 : 0)
