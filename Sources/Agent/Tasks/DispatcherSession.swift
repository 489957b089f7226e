public import Model
import Platform

/// An agent's talk with its managers: registers, takes assignments, reports statuses, sends logs; and does it again with
/// another manager whenever one is lost. Tasks go on meanwhile.
public actor DispatcherSession {
    /// Waits between two attempts to find a manager. While another leader may be elected, shorter than a new leader waits for the
    /// next agent before it places (decision 0040).
    private static let retryDelays: [Duration] =
        [.milliseconds(50), .milliseconds(100)] + Array(repeating: .milliseconds(250), count: 6)
        + [.milliseconds(500), .milliseconds(500), .seconds(1)]
    /// How long a manager may take to answer a registration.
    private static let registrationTimeout: Duration = .seconds(5)
    /// Logs that are read for managers at the same time.
    private static let maximumSubscriptions = 256

    /// Why a connection was given up.
    private enum End: Error {
        case closed
        case silent
        case gap(expected: UInt64, got: UInt64)
        case redirected
    }

    private let worker: Worker
    private let connector: any DispatcherConnector
    private let registration: @Sendable () async -> Registration
    private let log = Logger("agent.session")
    private let jitter: @Sendable () -> Double
    private let onManagers: @Sendable ([ManagerEndpoint]) async -> Void
    private let onRenewal: @Sendable () -> Void

    /// Redirects in a row.
    private var redirects = 0
    /// All managers as last heard; tried first next time.
    public private(set) var managers: [ManagerEndpoint] = []
    private var sequence: UInt64?
    private var heartbeatPeriod: Duration = DispatchLimits.heartbeatPeriod
    private var lastHeard: ContinuousClock.Instant = .now
    private var subscriptions: [String: Task<Void, Never>] = [:]
    /// Whether a manager has this node registered at present.
    public private(set) var isConnected = false

    /// - Parameters:
    ///   - onManagers: told all managers whenever they are others than before, so that the node finds them after a restart.
    ///   - onRenewal: told that a manager wants the node to ask for a certificate.
    ///   - registration: what the node says of itself; asked anew for every connection, statuses left to the session.
    public init(
        worker: Worker, connector: any DispatcherConnector, managers: [ManagerEndpoint] = [],
        onManagers: @escaping @Sendable ([ManagerEndpoint]) async -> Void = { _ in },
        onRenewal: @escaping @Sendable () -> Void = {},
        registration: @escaping @Sendable () async -> Registration
    ) {
        self.worker = worker
        self.connector = connector
        self.managers = managers
        self.onManagers = onManagers
        self.onRenewal = onRenewal
        self.registration = registration
        jitter = { Double.random(in: 1.0...1.1) }
    }

    /// Runs until the task is cancelled, or the cluster says that it has removed the node.
    public func run() async {
        var attempt = 0
        while !Task.isCancelled {
            do {
                let connection = try await connector.connect(to: managers)
                defer { connection.close() }
                try await serve(connection) { attempt = 0 }
            } catch let refusal as RefusedRegistration {
                log.error("the cluster has removed this node", ["reason": refusal.reason])
                await worker.stopAll()
                return
            } catch {
                log.info("no manager", ["error": String(describing: error)])
                if isConnected, !Self.isRedirect(error) { tryLast() }
            }
            endSubscriptions()
            isConnected = false
            let delay = Self.retryDelays[min(attempt, Self.retryDelays.count - 1)]
            attempt += 1
            try? await Task.sleep(for: delay * jitter())
        }
        endSubscriptions()
    }

    private func serve(_ connection: any DispatcherConnection, onRegistered: () -> Void) async throws {
        var words = await registration()
        words.statuses = await worker.statuses()
        try await connection.send(.register(words))
        lastHeard = .now
        sequence = nil
        let session = try await register(connection)
        onRegistered()
        isConnected = true
        heartbeatPeriod = .nanoseconds(max(50_000_000, session.heartbeatPeriodNanoseconds))
        await remember(session.managers)
        log.info("registered", ["session": session.id])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.receive(connection) }
            group.addTask { try await self.beat(connection, session.id) }
            group.addTask { try await self.listen() }
            group.addTask { try await self.report(connection) }
            defer {
                group.cancelAll()
                connection.close()
            }
            try await group.next()
        }
    }

    /// Waits for the answer to a registration.
    private func register(_ connection: any DispatcherConnection) async throws -> Session {
        // A manager that does not answer is left: closing ends the wait for it.
        let watchdog = Task {
            try await Task.sleep(for: Self.registrationTimeout)
            connection.close()
        }
        defer { watchdog.cancel() }
        while let message = try await connection.receive() {
            lastHeard = .now
            switch message {
            case .registered(let session):
                redirects = 0
                return session
            case .redirect(let endpoints):
                await remember(endpoints)
                // The first is the leader, where one is known. Sent away again, the node asks another one first: a manager that
                // lost the others knows of no leader, and may be the first in its own list.
                redirects += 1
                for _ in 1..<redirects where redirects <= managers.count { tryLast() }
                if redirects > managers.count { redirects = 0 }
                throw End.redirected
            case .refused(let reason): throw RefusedRegistration(reason: reason)
            case .managers(let endpoints): await remember(endpoints)
            default: continue
            }
        }
        throw End.closed
    }

    private func receive(_ connection: any DispatcherConnection) async throws {
        while let message = try await connection.receive() {
            lastHeard = .now
            try await handle(message, connection)
        }
        throw End.closed
    }

    private func handle(_ message: ManagerMessage, _ connection: any DispatcherConnection) async throws {
        switch message {
        case .registered(let session): await remember(session.managers)
        case .redirect(let endpoints):
            await remember(endpoints)
            throw End.redirected
        case .refused(let reason): throw RefusedRegistration(reason: reason)
        case .heartbeat(let nanoseconds): heartbeatPeriod = .nanoseconds(max(50_000_000, nanoseconds))
        case .files(let files): await worker.take(files)
        case .assignments(let set):
            sequence = set.sequence
            await worker.apply(set)
        case .assignmentChanges(let changes):
            guard let sequence, changes.sequence == sequence &+ 1 else {
                throw End.gap(expected: (sequence ?? 0) &+ 1, got: changes.sequence)
            }
            self.sequence = changes.sequence
            await worker.apply(changes)
        case .managers(let endpoints): await remember(endpoints)
        case .logSubscribe(let subscription): subscribe(subscription, connection)
        case .logCancel(let id): subscriptions.removeValue(forKey: id)?.cancel()
        case .renewCertificate: onRenewal()
        }
    }

    private static func isRedirect(_ error: any Error) -> Bool {
        if case End.redirected = error { true } else { false }
    }

    /// The manager that was lost stands first, as the leader that it was; it may take its time not to answer.
    private func tryLast() {
        if managers.count > 1 { managers.append(managers.removeFirst()) }
    }

    /// Their order is the managers' word of who leads: it changes more often than who they are.
    private func remember(_ endpoints: [ManagerEndpoint]) async {
        guard !endpoints.isEmpty else { return }
        let isNews = Set(endpoints) != Set(managers)
        managers = endpoints
        if isNews { await onManagers(endpoints) }
    }

    private func beat(_ connection: any DispatcherConnection, _ sessionID: String) async throws {
        while true {
            try await Task.sleep(for: heartbeatPeriod * jitter())
            try await connection.send(.heartbeat(sessionID: sessionID, clock: WallClock.now()))
        }
    }

    /// The watch over the manager: it answers each heartbeat. Noticed late, a silent one would cost the node its grace with
    /// the next.
    private func listen() async throws {
        while true {
            try await Task.sleep(for: heartbeatPeriod / 4)
            let silence = ContinuousClock.now - lastHeard
            guard silence < heartbeatPeriod * DispatchLimits.managerSilence + heartbeatPeriod / 4 else {
                throw End.silent
            }
        }
    }

    /// Sends what changes as it changes; after a message that held much, waits for the more that is likely to come.
    private func report(_ connection: any DispatcherConnection) async throws {
        let changes = Signal()
        await worker.report(to: changes)
        changes.wake()
        for await _ in changes.wakes {
            let statuses = await worker.takeChangedStatuses(atMost: DispatchLimits.statusesPerMessage)
            guard !statuses.isEmpty else { continue }
            do {
                try await connection.send(.taskStatuses(statuses))
            } catch {
                await worker.putBack(statuses)
                throw error
            }
            if statuses.count == DispatchLimits.statusesPerMessage { changes.wake() }
            try await Task.sleep(
                for: min(DispatchLimits.statusInterval, DispatchLimits.statusPause * statuses.count))
        }
        throw CancellationError()
    }

    // MARK: Logs

    private func subscribe(_ subscription: LogSubscription, _ connection: any DispatcherConnection) {
        guard subscriptions[subscription.id] == nil else { return }
        guard subscriptions.count < Self.maximumSubscriptions else {
            // One message, and nothing waits for it.
            Task { try? await connection.send(.logEnd(subscription: subscription.id, error: "too many logs are read")) }
            return
        }
        let worker = worker
        // Ends with the logs, by the manager's word, or with the connection.
        subscriptions[subscription.id] = Task {
            var failure: String?
            do {
                try await worker.sendLogs(subscription) { entries in
                    try await connection.send(.logEntries(subscription: subscription.id, entries))
                }
            } catch {
                failure = String(describing: error)
            }
            if Task.isCancelled { return }
            try? await connection.send(.logEnd(subscription: subscription.id, error: failure))
            subscriptions[subscription.id] = nil
        }
    }

    private func endSubscriptions() {
        for subscription in subscriptions.values { subscription.cancel() }
        subscriptions = [:]
    }
}

/// The cluster does not have this node any more.
struct RefusedRegistration: Error {
    let reason: String
}
