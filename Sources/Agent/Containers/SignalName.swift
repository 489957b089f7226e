/// Signals by the names and numbers that users give (signal(7)).
enum SignalName {
    private static let numbers: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "BUS": 7, "FPE": 8, "KILL": 9, "USR1": 10,
        "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CONT": 18, "STOP": 19,
        "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27, "WINCH": 28,
        "IO": 29, "PWR": 30, "SYS": 31,
    ]

    /// `SIGTERM`, `term` or `15`; also `SIGRTMIN+3`.
    static func number(_ name: String) throws(AgentError) -> Int32 {
        let upper = name.uppercased()
        if let number = Int32(upper), (1...64).contains(number) { return number }
        let short = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if let number = numbers[short] { return number }
        if short == "RTMIN" { return 34 }
        if short.hasPrefix("RTMIN+"), let offset = Int32(short.dropFirst(6)), (0...30).contains(offset) {
            return 34 + offset
        }
        throw AgentError(.invalid, "Invalid signal: \(name.prefix(40))")
    }
}
