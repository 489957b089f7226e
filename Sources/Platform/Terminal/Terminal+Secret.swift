internal import CLinux
internal import Glibc

extension Terminal {
    /// Asks for a line on the terminal that is standard input, which is not shown while it is typed (termios(3)); nil at its end. Who
    /// ends the program by a key gets the terminal back as it was.
    public static func readSecret(_ prompt: String) -> String? {
        write(prompt, to: STDERR_FILENO)
        let isTerminal = tcgetattr(STDIN_FILENO, &shownTerminal) == 0
        var silent = shownTerminal
        silent.c_lflag &= ~tcflag_t(ECHO)
        let signals = [SIGINT, SIGQUIT, SIGTERM, SIGHUP]
        var former: [(number: Int32, action: sigaction)] = []
        if isTerminal {
            for number in signals {
                var action = sigaction()
                var before = sigaction()
                action.__sigaction_handler.sa_handler = { number in
                    // Both may be called here (signal-safety(7)).
                    tcsetattr(STDIN_FILENO, TCSANOW, &shownTerminal)
                    _ = signal(number, SIG_DFL)
                    raise(number)
                }
                if sigaction(number, &action, &before) == 0 { former.append((number, before)) }
            }
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        }
        defer {
            if isTerminal { tcsetattr(STDIN_FILENO, TCSAFLUSH, &shownTerminal) }
            for (number, before) in former {
                var before = before
                sigaction(number, &before, nil)
            }
            write("\n", to: STDERR_FILENO)
        }
        return readLine(strippingNewline: true)
    }
}

/// As the terminal was before it was told to show nothing. Written before a signal's handler that reads it is there; a program asks
/// one thing at a time.
nonisolated(unsafe) private var shownTerminal = termios()
