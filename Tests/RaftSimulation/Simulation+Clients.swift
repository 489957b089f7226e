internal import Raft

/// What clients do, and make of the answers.
extension Simulation {
    /// A client rests no longer, or waits no longer.
    func act(_ client: SimulatedClient) {
        if client.request?.isRefused == true {
            client.request?.isRefused = false
            askAgainOrGiveUp(client)
            return
        }
        if client.request != nil {
            client.target = nil
            client.request?.mayHaveHappened = true
            askAgainOrGiveUp(client)
            return
        }
        rest(client)
        if client.onlyReads { client.target = nil }
        let register = Int(random.below(UInt64(RegisterCommand.registers)))
        let unique = takeToken()
        var command = RegisterCommand(.get, register: register, value: unique)
        switch client.onlyReads ? 9 : random.below(10) {
        case 0...3: command.kind = .put
        case 4...5:
            command.kind = .compareAndSet
            // Mostly what is there, so that it succeeds now and then.
            let known = ledger.committed.last?.state.registers[register] ?? 0
            command.expected = random.below(4) == 0 ? unique : known
        case 6: break
        case 7: return begin(.command(command, .linearizable), command, for: client)
        default: return begin(.command(command, .lease), command, for: client)
        }
        if !client.usesSessions {
            begin(.command(command, .logged), command, for: client)
        } else if let (sequence, proposal) = client.session?.command(command.encoded(padding: padding)) {
            begin(.inSession(command, sequence: sequence, proposal: proposal), command, for: client)
        } else {
            begin(.openSession, nil, for: client)
        }
    }

    func begin(
        _ content: SimulatedClient.Request.Content, _ command: RegisterCommand?, for client: SimulatedClient
    ) {
        client.request = .init(content: content, operation: command.map { history.invoke($0, by: client.id) })
        send(of: client)
    }

    private var padding: Int { Int(random.below(60)) }

    /// Asks the member that is believed to lead, or any.
    private func send(of client: SimulatedClient) {
        guard var request = client.request else { return }
        let target = client.target.map { self.member($0.value) }
        let member = target ?? members[Int(random.below(UInt64(members.count)))]
        let token = takeToken()
        request.token = token
        request.attempts += 1
        client.request = request
        client.target = member.id
        let isHasty = client.onlyReads || random.below(2) == 0
        let patience = isHasty ? 50_000_000 + random.below(100_000_000) : 300_000_000 + random.below(2_500_000_000)
        if client.nextAction != .max { client.nextAction = now + patience }
        trace.note("ask", now, client.id, member.id.value, token)
        trace.explain("\(request.content)")
        guard member.driver != nil else {
            // Refused at once; it has not happened.
            client.target = nil
            waitForLeader(client)
            return
        }
        let payload: [UInt8]
        switch request.content {
        case .command(let command, .logged): payload = command.encoded(padding: padding) + token.littleEndianBytes
        case .command(let command, let consistency):
            if consistency == .lease, random.below(2) == 0, readInPlace(command, for: client, at: member) { return }
            reads[token] = ledger.highestAcknowledged
            give(.request { $0.read(token: token, consistency == .lease ? .lease : .quorum) }, to: member)
            return
        case .openSession:
            payload = SimulatedStateMachine.payload(SessionCommand.open.encoded(), token: token)
        case .inSession(_, _, let proposal): payload = SimulatedStateMachine.payload(proposal, token: token)
        }
        proposals[token] = payload
        give(.request { $0.propose(payload, token: token) }, to: member)
    }

    /// A read by the member's lease on another thread than Raft's, which may stand still meanwhile; false where it has none.
    private func readInPlace(_ command: RegisterCommand, for client: SimulatedClient, at member: SimulatedMember)
        -> Bool
    {
        guard member.holdsLease(at: now) else { return false }
        trace.note("read in place", now, member.id.value, member.machine.appliedIndex)
        note(ledger.confirmRead(asOf: member.machine.appliedIndex, needed: ledger.highestAcknowledged))
        readsInPlace += 1
        complete(client, [], member.machine.state.registers)
        return true
    }

    /// A new leader's state is asked to show what was committed before, as those who answer for it do.
    func awaitCommitted(of member: SimulatedMember, in term: Term) {
        guard options.settings.allowsLeases, let driver = member.driver else { return }
        let token = takeToken()
        readiness[token] = (member.id, term)
        driver.read(token: token)
    }

    private func rest(_ client: SimulatedClient) {
        guard client.nextAction != .max else { return }
        // Who only reads costs the group little.
        let isBusy = client.onlyReads && options.settings.allowsLeases
        client.nextAction = now + 1 + random.below(options.clientMilliseconds * (isBusy ? 500_000 : 2_000_000))
    }

    /// A request that had no answer, or one that it was not taken.
    private func askAgainOrGiveUp(_ client: SimulatedClient) {
        guard let request = client.request else { return }
        let mayAsk = client.onlyReads ? isHealed : request.isRepeatable || !request.mayHaveHappened || request.isRead
        if mayAsk, request.attempts < SimulatedClient.maximumAttempts { return send(of: client) }
        // What may have happened stays in the history as unanswered.
        if let operation = request.operation, !request.mayHaveHappened { history.withdraw(operation) }
        client.request = nil
        client.session = nil
        rest(client)
    }

    /// A member answers, now or when it no longer hangs.
    func take(_ outcome: RaftDriver.Outcome, of member: SimulatedMember, at time: UInt64) {
        let answer = ClientAnswer(outcome: outcome, registers: member.machine.state.registers)
        guard time > now else { return take(answer) }
        let position = lateAnswers.firstIndex { $0.time > time } ?? lateAnswers.count
        lateAnswers.insert((time, answer), at: position)
    }

    func take(_ answer: ClientAnswer) {
        let outcome = answer.outcome
        onOutcome?(outcome)
        let client = clients.first { $0.request?.token == outcome.token }
        let payload = proposals.removeValue(forKey: outcome.token)
        let needed = reads.removeValue(forKey: outcome.token)
        if let (id, term) = readiness.removeValue(forKey: outcome.token), case .success = outcome.result {
            let member = member(id.value)
            if member.driver?.core.term == term, member.driver?.core.role == .leader { member.readyTerm = term }
        }
        switch outcome.result {
        case .success(let result):
            trace.note("answer", now, outcome.token, result.index)
            if let payload { note(ledger.acknowledge(result.index, payload, result.bytes)) }
            if let needed { note(ledger.confirmRead(asOf: result.index, needed: needed)) }
            if let client { complete(client, result.bytes, answer.registers) }
        case .failure(let error):
            trace.note("refusal", now, outcome.token)
            trace.explain("\(error)")
            refused += 1
            if let payload, error.isFinal { note(ledger.refuse(payload)) }
            guard let client else { return }
            if !error.isFinal { client.request?.mayHaveHappened = true }
            if case .notLeader(let leader) = error.code { client.target = leader?.id } else { client.target = nil }
            if client.target == nil, client.nextAction != .max {
                waitForLeader(client)
            } else {
                askAgainOrGiveUp(client)
            }
        }
    }

    /// Nobody says who leads: it asks again in a moment.
    private func waitForLeader(_ client: SimulatedClient) {
        client.request?.isRefused = true
        if client.nextAction != .max { client.nextAction = now + 5_000_000 + random.below(40_000_000) }
    }

    private func complete(_ client: SimulatedClient, _ bytes: [UInt8], _ registers: [UInt64]) {
        guard let request = client.request else { return }
        client.request = nil
        defer { rest(client) }
        switch request.content {
        case .command(_, .logged): complete(request.operation, bytes)
        case .command(let command, _):
            if let operation = request.operation {
                history.complete(operation, found: registers[command.register], wrote: false)
            }
        case .openSession:
            guard case .opened(let id)? = try? SessionAnswer(decoding: bytes) else {
                return note("no session: \(bytes)")
            }
            client.session = ClientSession(id: id)
        case .inSession(_, let sequence, _):
            switch try? SessionAnswer(decoding: bytes) {
            case .applied(let result)?:
                client.session?.answered(sequence)
                complete(request.operation, result)
            case .expired?:
                client.session = nil
                if let operation = request.operation, !request.mayHaveHappened { history.withdraw(operation) }
            default: note("a session answered \(bytes)")
            }
        }
    }

    private func complete(_ operation: Int?, _ bytes: [UInt8]) {
        guard let operation, bytes.count == 9 else { return note("an answer of \(bytes.count) bytes") }
        history.complete(operation, found: UInt64(littleEndianBytes: bytes[1..<9]), wrote: bytes[0] == 1)
    }

    /// A proposal to `member`, which must be up.
    package func propose(to member: SimulatedMember) throws {
        submitProposal(to: member)
        try check()
    }

    func submitProposal(to member: SimulatedMember) {
        let token = takeToken()
        // Begins like no command does.
        let payload = [0] + token.littleEndianBytes + [UInt8](repeating: 0x5a, count: padding)
        proposals[token] = payload
        trace.note("propose", now, member.id.value, token)
        give(.request { $0.propose(payload, token: token) }, to: member)
    }

    /// A read from `member`, which must be up.
    package func read(from member: SimulatedMember) throws {
        submitRead(to: member)
        try check()
    }

    func submitRead(to member: SimulatedMember) {
        let token = takeToken()
        reads[token] = ledger.highestAcknowledged
        trace.note("read", now, member.id.value, token)
        give(.request { $0.read(token: token) }, to: member)
    }

    func takeToken() -> UInt64 {
        defer { nextToken += 1 }
        return nextToken
    }
}

extension RaftError {
    /// Whether what was asked has not happened and never will.
    var isFinal: Bool {
        switch code {
        case .notLeader, .overloaded, .tooLarge, .diskFull, .droppedByNewLeader, .changeInProgress, .invalidChange,
            .diverged:
            true
        default: false
        }
    }
}
