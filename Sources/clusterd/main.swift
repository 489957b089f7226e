import Daemon
import Discovery
import Glibc
import Model
import Platform

// `clusterd resolver ...` is the node's name server, a process of its own that outlives this one; anything else is the
// daemon itself.
let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "resolver":
    exit(await ResolverCommand.run(arguments: Array(arguments.dropFirst())))
case "--help", "-h", "help":
    print(DaemonConfiguration.usage)
case "--version", "-v", "version":
    print("clusterd \(EngineAPI.product)")
default:
    exit(await DaemonCommand.run(arguments: arguments))
}
