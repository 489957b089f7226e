import Model
import Platform
import Testing

@testable import Agent

struct TaskStateMachineTests {
    private func machine(desired: TaskState = .running) -> TaskStateMachine {
        var task = ClusterTask(
            id: "t1", createdAt: WallClock.now(), spec: TaskSpec(containerSpec: ContainerSpec(image: "bb")),
            serviceID: "s1", serviceName: "web", slot: 1, nodeID: "n1", desiredState: desired)
        task.status = TaskStatus(timestamp: WallClock.now(), state: .assigned)
        return TaskStateMachine(task, containerID: "c1")
    }

    private func wanting(_ state: TaskState, _ machine: TaskStateMachine) -> TaskStateMachine.Event {
        var task = machine.task
        task.desiredState = state
        return .assign(task)
    }

    private func exit(_ code: Int32) -> ContainerExit {
        ContainerExit(code: code, wasOutOfMemory: false, at: WallClock.now(), error: nil)
    }

    @Test("from assigned to complete, by all of Docker's states")
    func wholeLife() {
        var machine = machine()
        var states: [TaskState] = []
        func take(_ actions: [TaskStateMachine.Action]) -> [TaskStateMachine.Action] {
            if actions.contains(.report) { states.append(machine.status.state) }
            return actions.filter { $0 != .report }
        }
        #expect(take(machine.handle(.assign(machine.task))) == [.prepare])
        #expect(take(machine.handle(.prepared)) == [.start])
        #expect(take(machine.handle(.started(pid: 7))) == [])
        #expect(machine.status.containerStatus == .init(containerID: "c1", pid: 7))
        #expect(take(machine.handle(.exited(exit(0)))) == [.release])
        #expect(machine.status.containerStatus == .init(containerID: "c1", exitCode: 0))
        #expect(take(machine.handle(.done)) == [])
        #expect(take(machine.handle(.unassign)) == [.remove])
        #expect(take(machine.handle(.done)) == [.forget])
        #expect(states == [.preparing, .starting, .running, .complete])
    }

    @Test("a failure says its exit code; nothing is restarted")
    func failure() {
        var machine = machine()
        _ = machine.handle(.assign(machine.task))
        _ = machine.handle(.prepared)
        _ = machine.handle(.started(pid: 7))
        #expect(machine.handle(.exited(exit(3))) == [.report, .release])
        #expect(machine.status.state == .failed)
        #expect(machine.status.error == "task: non-zero exit (3)")
        #expect(machine.handle(.done) == [])
        #expect(machine.handle(.assign(machine.task)) == [])
    }

    @Test("what cannot be prepared is rejected, what cannot be started has failed")
    func refusals() {
        var first = machine()
        _ = first.handle(.assign(first.task))
        #expect(first.handle(.failed("No such image: bb")) == [.report, .release])
        #expect(first.status.state == .rejected)
        #expect(first.status.error == "No such image: bb")
        var second = machine()
        _ = second.handle(.assign(second.task))
        _ = second.handle(.prepared)
        #expect(second.handle(.failed("no such program")) == [.report, .release])
        #expect(second.status.state == .failed)
    }

    @Test("ready waits until it is to run")
    func readyFirst() {
        var machine = machine(desired: .ready)
        _ = machine.handle(.assign(machine.task))
        #expect(machine.handle(.prepared) == [.report])
        #expect(machine.status.state == .ready)
        #expect(machine.handle(wanting(.running, machine)) == [.report, .start])
        #expect(machine.status.state == .starting)
    }

    @Test("a task waits for its secrets, and says so; what the cluster does not have is not waited for")
    func supplies() {
        var machine = machine()
        _ = machine.handle(.supplied(.awaited))
        #expect(machine.status.state == .preparing)
        #expect(machine.status.message == "waiting for a manager to send its secrets and configs")
        #expect(machine.handle(.assign(machine.task)) == [], "said once")
        #expect(machine.handle(.supplied(.complete)) == [.prepare])
        // Lost again, by a restart of the daemon, between the making and the start.
        _ = machine.handle(.supplied(.awaited))
        #expect(machine.handle(.prepared) == [.report, .report, .report])
        #expect(machine.status.state == .starting)
        #expect(machine.status.message?.hasPrefix("waiting") == true)
        var other = machine
        #expect(machine.handle(.supplied(.complete)) == [.start])
        #expect(machine.handle(.started(pid: 7)) == [.report])
        #expect(machine.handle(.supplied(.missing("secret not found: db"))) == [], "it runs, with what it has")
        #expect(other.handle(.supplied(.missing("secret not found: db"))) == [.report, .release])
        #expect(other.status.state == .failed && other.status.error == "secret not found: db")
        var third = self.machine()
        _ = third.handle(.supplied(.awaited))
        #expect(third.handle(.supplied(.missing("config not found: x"))) == [.report])
        #expect(third.status.state == .rejected && third.status.error == "config not found: x")
        var fourth = self.machine()
        _ = fourth.handle(.supplied(.awaited))
        #expect(fourth.handle(wanting(.shutdown, fourth)) == [.report], "what waits can be told to end")
    }

    @Test("shutdown while it runs: stopped, then shut down, whatever the exit code")
    func shutdown() {
        var machine = machine()
        _ = machine.handle(.assign(machine.task))
        _ = machine.handle(.prepared)
        _ = machine.handle(.started(pid: 7))
        #expect(machine.handle(wanting(.shutdown, machine)) == [.stop])
        #expect(machine.handle(wanting(.shutdown, machine)) == [])
        #expect(machine.handle(.exited(exit(137))) == [.report, .release])
        #expect(machine.status.state == .shutdown)
        #expect(machine.status.containerStatus?.exitCode == 137)
        // It is never started again, whatever old word comes late.
        #expect(machine.handle(wanting(.running, machine)) == [])
        #expect(machine.task.desiredState == .shutdown)
    }

    @Test("shutdown in the midst of preparation: answered first, then given back")
    func shutdownWhilePreparing() {
        var machine = machine()
        _ = machine.handle(.assign(machine.task))
        #expect(machine.handle(wanting(.shutdown, machine)) == [])
        #expect(machine.handle(.prepared) == [.report, .report, .release])
        #expect(machine.status.state == .shutdown)
    }

    @Test("removed while it runs: stopped, removed, forgotten")
    func removal() {
        var machine = machine()
        _ = machine.handle(.assign(machine.task))
        _ = machine.handle(.prepared)
        _ = machine.handle(.started(pid: 7))
        #expect(machine.handle(.unassign) == [.stop])
        #expect(machine.handle(.exited(exit(0))) == [.report, .remove])
        #expect(machine.handle(.done) == [.forget])
    }

    @Test("what cannot be given back is tried again after a rest, and not forgotten before it is gone")
    func givingBackFails() {
        var machine = machine()
        _ = machine.handle(.assign(machine.task))
        _ = machine.handle(.prepared)
        _ = machine.handle(.started(pid: 7))
        #expect(machine.handle(.exited(exit(0))) == [.report, .release])
        #expect(machine.handle(.failed("no answer")) == [.rest])
        #expect(machine.handle(.unassign) == [])
        #expect(machine.handle(.rested) == [.remove])
        #expect(machine.handle(.failed("no answer")) == [.rest])
        #expect(machine.handle(.rested) == [.remove])
        #expect(machine.handle(.done) == [.forget])
    }

    @Test("a container that ends before its start is answered")
    func quickEnd() {
        var machine = machine()
        _ = machine.handle(.assign(machine.task))
        _ = machine.handle(.prepared)
        #expect(machine.handle(.exited(exit(0))) == [])
        #expect(machine.handle(.started(pid: 7)) == [.report, .report, .release])
        #expect(machine.status.state == .complete)
    }

    @Test("random events: the state never goes back, one thing at a time, and a terminal state stays")
    func neverBackwards() {
        for seed in UInt64(1)...200 {
            var random = seed &* 0x9E37_79B9_7F4A_7C15
            func next(_ bound: UInt64) -> UInt64 {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (random >> 33) % bound
            }
            var machine = machine()
            var previous = machine.status.state
            for _ in 0..<60 {
                let event: TaskStateMachine.Event =
                    switch next(10) {
                    case 0: .assign(machine.task)
                    case 1: wanting([.ready, .running, .shutdown][Int(next(3))], machine)
                    case 2: .prepared
                    case 3: .started(pid: 5)
                    case 4: .failed("no")
                    case 5, 6: .exited(exit(Int32(next(2))))
                    case 7: .done
                    case 8: .rested
                    default: .unassign
                    }
                let actions = machine.handle(event)
                #expect(actions.filter { $0 != .report && $0 != .forget }.count <= 1, "seed \(seed)")
                #expect(machine.status.state >= previous, "seed \(seed)")
                if previous.isTerminal { #expect(machine.status.state == previous, "seed \(seed)") }
                previous = machine.status.state
            }
        }
    }
}
