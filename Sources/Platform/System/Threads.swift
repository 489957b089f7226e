internal import CLinux
internal import Glibc

/// Starts a detached thread with a name of at most 15 bytes (more are cut), all its signals blocked.
///
/// Traps where the system has no more threads to give: nothing could go on.
public func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
    do {
        try launchThread(named: name, body)
    } catch {
        preconditionFailure("\(error)")
    }
}

/// Runs blocking work on a thread of its own, so that neither the cooperative pool nor an event loop waits for it.
public nonisolated(nonsending) func runOnThread<T: Sendable>(
    named name: String, _ body: @escaping @Sendable () throws -> T
) async throws -> T {
    try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<T, any Error>) in
        do {
            try launchThread(named: name) { continuation.resume(with: Result { try body() }) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// What a new thread receives through its single pointer.
private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

func launchThread(named name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))

    // Signals belong to the thread that asks for them (see Signals): a new thread starts with all of them blocked.
    var everything = sigset_t()
    var previous = sigset_t()
    sigfillset(&everything)
    for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP] { sigdelset(&everything, fault) }
    pthread_sigmask(SIG_SETMASK, &everything, &previous)
    defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }

    let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
    var thread = pthread_t()
    let status = pthread_create(
        &thread, &attributes,
        { argument in
            guard let argument else { return nil }
            let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
            _ = String(start.name.prefix(15)).withCString { name in
                cl_prctl(Int32(PR_SET_NAME), UInt(bitPattern: name))
            }
            start.body()
            return nil
        }, start.toOpaque())
    if status != 0 {
        start.release()
        throw SystemError(errno: status, call: "pthread_create", subject: name)
    }
}
