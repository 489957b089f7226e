/// A command line that is not understood; exit status 64 (EX_USAGE of sysexits.h).
struct UsageError: Error, Equatable, CustomStringConvertible {
    var message: String
    /// The command whose help to read.
    var path: [String] = []

    init(_ message: String, path: [String] = []) {
        self.message = message
        self.path = path
    }

    var description: String {
        "\(message)\nSee '\((["clusterctl"] + path + ["--help"]).joined(separator: " "))'."
    }
}
