internal import Glibc

extension Terminal {
    /// Asks for a line on the terminal that is standard input, which is not shown while it is typed (termios(3)); nil at its end.
    public static func readSecret(_ prompt: String) -> String? {
        write(prompt, to: STDERR_FILENO)
        var before = termios()
        let isTerminal = tcgetattr(STDIN_FILENO, &before) == 0
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        if isTerminal { tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) }
        defer {
            if isTerminal { tcsetattr(STDIN_FILENO, TCSAFLUSH, &before) }
            write("\n", to: STDERR_FILENO)
        }
        return readLine(strippingNewline: true)
    }
}
