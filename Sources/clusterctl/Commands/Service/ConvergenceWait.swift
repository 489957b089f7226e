import HTTP
import Model
import Platform

/// Waits until a service is as wanted, showing what happens meanwhile.
enum ConvergenceWait {
    /// Between two readings: quick at first, since a small service stands within a tenth of a second.
    private static let firstInterval: Duration = .milliseconds(20)
    private static let longestInterval: Duration = .milliseconds(250)
    /// How long the tasks are watched once all run: a container that dies as it starts runs for a moment, too. A global
    /// service has so many tasks as there are nodes that take one: their set must stand still as well.
    private static let settleTime: Duration = .seconds(1)
    /// How long tasks that fit on no node are waited for: what makes room within an update does so by then.
    private static let placementPatience: Duration = .seconds(30)

    static let options: [Syntax.Option] = [
        .flag("detach", short: "d", "return at once, without waiting for the tasks"),
        .value("timeout", "DURATION", "how long to wait (default 5m)"),
        .flag("quiet", short: "q", "no progress"),
    ]

    /// - Throws: `Failure` that says why tasks do not run, when it is clear that they will not or the time is over.
    static func run(_ id: String, _ arguments: Arguments, in session: Session) async throws {
        guard !arguments.flag("detach") else { return }
        let timeout = Duration.nanoseconds(try arguments.nanoseconds("timeout") ?? 300_000_000_000)
        let clock = ContinuousClock()
        let start = clock.now
        let progress = arguments.flag("quiet") ? nil : session.console.progress()
        let show = session.console.isInteractive ? ConvergenceView.screen : ConvergenceView.plain
        var interval = firstInterval
        var former: Set<String>?
        var last: (convergence: Convergence, since: ContinuousClock.Instant)?
        while true {
            let (service, tasks, nodes) = try await read(id, session)
            former = former ?? Convergence.failed(tasks)
            let convergence = Convergence(service: service, tasks: tasks, nodes: nodes, former: former ?? [])
            progress?.show(show(convergence))
            if last?.convergence != convergence { last = (convergence, clock.now) }
            let since = last?.since ?? clock.now
            switch convergence.verdict {
            case .converged:
                if convergence.isOver || clock.now - since >= settleTime {
                    progress?.finish()
                    if !arguments.flag("quiet") {
                        session.console.line(
                            "\(service.name ?? id) converged in \(DurationText.seconds(since - start))")
                    }
                    return
                }
            case .stuck(let why):
                throw await failure(service, convergence, "does not come up: \(why)", session)
            case .converging:
                if convergence.isWaitingForNodes, clock.now - since >= placementPatience {
                    throw await failure(service, convergence, "finds no place", session)
                }
            }
            guard clock.now - start < timeout else {
                throw await failure(service, convergence, "is not up after \(DurationText.human(timeout))", session)
            }
            try await Task.sleep(for: interval)
            interval = min(interval * 2, longestInterval)
        }
    }

    private static func read(_ id: String, _ session: Session) async throws -> (
        Service, [ClusterTask], [String: String]
    ) {
        let services = try await session.engine.fetch(
            [Service].self, ["services"], query: [("status", "true"), Engine.filters(["id": [id]])])
        guard let service = services.first(where: { $0.id == id }) else {
            throw Failure("the service \(id) is gone: somebody removed it")
        }
        let tasks = try await session.engine.fetch(
            [ClusterTask].self, ["tasks"], query: [Engine.filters(["service": [id], "_up-to-date": ["true"]])])
        return (service, tasks, try await session.nodeNames())
    }

    /// The failure in words, with the last lines that a task of the first place that failed wrote.
    private static func failure(
        _ service: Service, _ convergence: Convergence, _ what: String, _ session: Session
    ) async -> Failure {
        var failure = failure(service, convergence, what)
        if let task = convergence.lines.first(where: { !$0.isDone && $0.failedTaskID != nil })?.failedTaskID {
            let lines = await LastWords.of(task, session)
            if !lines.isEmpty {
                failure.message += "\nIts last words:" + lines.map { "\n  | \($0)" }.joined()
            }
        }
        return failure
    }

    static func failure(_ service: Service, _ convergence: Convergence, _ what: String) -> Failure {
        let name = service.name ?? service.id
        var message = "\(name) \(what)\n\(ConvergenceView.summary(convergence))"
        for line in convergence.lines.filter({ !$0.isDone }).prefix(10) {
            message += "\n  " + ConvergenceView.text(line)
        }
        if convergence.lines.isEmpty { message += "; the managers have made no task yet" }
        return Failure(
            message,
            hint: "See 'clusterctl service ps \(name) --all --no-trunc' and 'clusterctl service logs \(name)'.\n"
                + "The service stays: remove it with 'clusterctl service rm \(name)'.")
    }
}
