import Platform

/// A sandbox being served. Only the resolver server touches it.
final class Sandbox {
    var registration: SandboxRegistration
    let sockets: SandboxSockets
    var view: NameView
    var watch: EventLoop.Watch?
    /// Queries of this sandbox that wait for an upstream server.
    var forwarding = 0
    /// Streams that its containers have open.
    var streams = 0

    init(_ registration: SandboxRegistration, sockets: SandboxSockets, view: NameView) {
        self.registration = registration
        self.sockets = sockets
        self.view = view
    }

    var status: SandboxStatus { SandboxStatus(registration: registration, ports: sockets.ports) }

    /// Whether what is mounted at the path is the namespace that the sockets are in.
    func isIn(_ path: String) -> Bool {
        (try? SandboxSockets.identity(of: path)) == sockets.namespaceID
    }

    func close() {
        watch?.cancel()
        sockets.listener.close()
    }
}
