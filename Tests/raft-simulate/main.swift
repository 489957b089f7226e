import Foundation
import RaftSimulation

// raft-simulate --seed N [--trace] [--members N] [--spares N] [--chaos-ms N] [--fault-ms N] [--client-ms N]:
// one history, and its digest.
// raft-simulate --seeds N [--from N]: many; ends at the first failure.

func value(_ name: String) -> UInt64? {
    guard let position = CommandLine.arguments.firstIndex(of: name), position + 1 < CommandLine.arguments.count else {
        return nil
    }
    return UInt64(CommandLine.arguments[position + 1])
}

var options = SimulationOptions()
if let members = value("--members") { options.members = Int(members) }
if let spares = value("--spares") { options.spares = Int(spares) }
if let milliseconds = value("--chaos-ms") { options.chaosMilliseconds = milliseconds }
if let milliseconds = value("--fault-ms") { options.faultMilliseconds = milliseconds }
if let milliseconds = value("--client-ms") { options.clientMilliseconds = milliseconds }

@MainActor func simulate(_ seed: UInt64, recording: Bool) throws {
    let simulation = Simulation(seed: seed, options: options, recording: recording)
    defer {
        for line in simulation.trace.lines { print(line) }
        print(
            "seed \(seed) digest \(String(simulation.trace.digest, radix: 16)) committed \(simulation.committed)",
            "acknowledged \(simulation.acknowledged) reads \(simulation.confirmedReads) terms \(simulation.elections)")
    }
    try simulation.run()
}

do {
    if let seed = value("--seed") {
        try simulate(seed, recording: CommandLine.arguments.contains("--trace"))
    } else {
        let first = value("--from") ?? 1
        for seed in first..<first + (value("--seeds") ?? 100) { try simulate(seed, recording: false) }
    }
} catch {
    print("FAILED: \(error)")
    exit(1)
}
