import Model
import Platform
import Testing

@testable import clusterctl

@Suite struct ConvergenceTests {
    private let nodes = ["n1": "host1", "n2": "host2"]

    private func service(_ mode: ServiceMode, _ condition: RestartPolicy.Condition? = nil) -> Service {
        var task = TaskSpec(containerSpec: ContainerSpec(image: "demo:1"))
        if let condition { task.restartPolicy = RestartPolicy(condition: condition) }
        return Service(
            id: "s", createdAt: Timestamp(seconds: 1), spec: ServiceSpec(name: "web", taskTemplate: task, mode: mode))
    }

    private func task(
        _ id: String, _ slot: Int?, _ state: TaskState, on node: String? = nil, desired: TaskState = .running,
        age: Int64 = 10,
        error: String? = nil, message: String? = nil
    ) -> ClusterTask {
        var task = ClusterTask(
            id: id, createdAt: Timestamp(seconds: age), spec: TaskSpec(containerSpec: ContainerSpec(image: "demo:1")),
            serviceID: "s", serviceName: "web", slot: slot, nodeID: node, desiredState: desired)
        task.status = TaskStatus(timestamp: Timestamp(seconds: age), state: state, message: message, error: error)
        return task
    }

    private func judge(_ service: Service, _ tasks: [ClusterTask]) -> Convergence {
        Convergence(service: service, tasks: tasks, nodes: nodes)
    }

    @Test func convergesWhenAllRun() {
        let service = service(.replicated(2))
        #expect(judge(service, []).verdict == .converging)
        let half = judge(service, [task("a", 1, .running, on: "n1"), task("b", 2, .preparing, on: "n2")])
        #expect(half.verdict == .converging && half.done == 1 && half.desired == 2)
        #expect(
            ConvergenceView.plain(half) == ["web.1  running on host1", "web.2  preparing on host2", "1 of 2 running"])
        let whole = judge(service, [task("a", 1, .running, on: "n1"), task("b", 2, .running, on: "n2")])
        #expect(whole.verdict == .converged)
        #expect(judge(self.service(.replicated(0)), []).verdict == .converged)
    }

    @Test func aSlotIsItsNewestTask() {
        let service = service(.replicated(1))
        let failed = task("a", 1, .failed, on: "n1", desired: .shutdown, age: 1, error: "exit status 3")
        let again = judge(service, [failed, task("b", 1, .pending, age: 2, message: "no suitable node")])
        #expect(again.lines.map(\.state) == [.pending] && again.lines.map(\.failures) == [1])
        #expect(again.lines.map(\.reason) == ["no suitable node"])
        let starting = judge(service, [task("b", 1, .starting, on: "n2", age: 2), failed])
        #expect(starting.lines.map(\.reason) == ["exit status 3"])
        #expect(judge(service, [failed, task("b", 1, .running, on: "n2", age: 2)]).verdict == .converged)
    }

    @Test func aTaskOfASlotTakenAwayDoesNotCount() {
        let scaled = judge(
            service(.replicated(1)),
            [task("a", 1, .running, on: "n1"), task("b", 2, .running, on: "n2", desired: .remove)])
        #expect(scaled.lines.map(\.taskID) == ["a"] && scaled.verdict == .converged)
    }

    @Test func givesUpWhenNothingIsRestarted() {
        let once = service(.replicated(1), RestartPolicy.Condition.none)
        let failed = judge(once, [task("a", 1, .failed, on: "n1", desired: .shutdown, error: "no such image")])
        #expect(failed.verdict == .stuck("web.1 failed and is not restarted: no such image"))
        #expect(judge(once, [task("a", 1, .complete, on: "n1", desired: .shutdown)]).verdict == .converged)
        #expect(judge(service(.replicated(1)), [task("a", 1, .failed, desired: .shutdown)]).verdict == .converging)
    }

    @Test func givesUpAfterTheLastAttempt() {
        var limited = service(.replicated(1), .onFailure)
        limited.spec.taskTemplate.restartPolicy?.maxAttempts = 1
        let first = task("a", 1, .failed, on: "n1", desired: .shutdown, age: 1)
        #expect(judge(limited, [first]).verdict == .converging)
        let second = task("b", 1, .failed, on: "n1", desired: .shutdown, age: 2, error: "exit status 1")
        #expect(judge(limited, [first, second]).verdict == .stuck("web.1 failed and is not restarted: exit status 1"))
    }

    @Test func doesNotWatchForeverWhatKeepsFailing() {
        let service = service(.replicated(1))
        var tasks = (1...2).map { age in
            task("t\(age)", 1, .failed, on: "n1", desired: .shutdown, age: Int64(age), error: "exit status 3")
        }
        let next = task("next", 1, .ready, on: "n2", desired: .ready, age: 9)
        let twice = judge(service, tasks + [next])
        #expect(twice.verdict == .converging && twice.lines.map(\.failures) == [2])
        #expect(ConvergenceView.plain(twice).first == "web.1  failed 2 times: exit status 3")
        #expect(ConvergenceView.text(twice.lines[0]) == "web.1  ready on host2, failed 2 times: exit status 3")
        tasks.append(task("t3", 1, .rejected, on: "n1", desired: .shutdown, age: 3, error: "exit status 4"))
        let often = judge(service, tasks + [next])
        #expect(often.verdict == .stuck("web.1 failed 3 times, and is tried again: exit status 4"))
        #expect(often.lines.map(\.failedTaskID) == ["t3"])
        // What failed before anybody waited does not count.
        let later = Convergence(service: service, tasks: tasks + [next], nodes: nodes, former: ["t1", "t2"])
        #expect(later.verdict == .converging && later.lines.map(\.failures) == [1])
        let running = task("ok", 1, .running, on: "n2", age: 10)
        #expect(judge(service, tasks + [next, running]).verdict == .converged)
    }

    @Test func knowsWhatWaitsForANode() {
        let pending = task("a", 1, .pending, message: "no suitable node")
        #expect(judge(service(.replicated(1)), [pending]).isWaitingForNodes)
        let mixed = [pending, task("b", 2, .preparing, on: "n1")]
        #expect(!judge(service(.replicated(2)), mixed).isWaitingForNodes)
        #expect(!judge(service(.replicated(1)), [task("b", 1, .running, on: "n1")]).isWaitingForNodes)
    }

    @Test func updatesAreWaitedFor() {
        var service = service(.replicated(1))
        let running = [task("a", 1, .running, on: "n1")]
        service.updateStatus = UpdateStatus(state: "updating")
        #expect(judge(service, running).verdict == .converging)
        service.updateStatus = UpdateStatus(state: "paused", message: "task b failed")
        #expect(judge(service, running).verdict == .stuck("the update is paused: task b failed"))
        service.updateStatus = UpdateStatus(state: "completed")
        #expect(judge(service, running).verdict == .converged)
    }

    @Test func globalServicesHaveATaskANode() {
        var service = service(.global)
        #expect(judge(service, []).verdict == .converging)
        service.serviceStatus = ServiceStatus(runningTasks: 1, desiredTasks: 2, completedTasks: 0)
        let half = judge(service, [task("a", nil, .running, on: "n1")])
        #expect(half.verdict == .converging && half.desired == 2)
        let whole = judge(service, [task("a", nil, .running, on: "n1"), task("b", nil, .running, on: "n2")])
        #expect(whole.verdict == .converged && whole.lines.map(\.name) == ["web.host1", "web.host2"])
    }

    @Test func manyTasksFitAScreen() {
        let tasks = (1...50).map { task("t\($0)", $0, $0 <= 10 ? .running : .preparing, on: "n1") }
        let lines = ConvergenceView.screen(judge(service(.replicated(50)), tasks))
        #expect(lines.first == "[====                ] 10 of 50 running")
        #expect(lines.count == 17 && lines.last == "  and 25 more")
        #expect(lines.dropFirst().dropLast().allSatisfy { $0.contains("preparing") })
    }

    @Test func theFailureSaysWhyAndWhatToDo() {
        let convergence = judge(
            service(.replicated(2)), [task("a", 1, .pending, message: "no suitable node (2 nodes: drained)")])
        let failure = ConvergenceWait.failure(service(.replicated(2)), convergence, "is not up after 5 seconds")
        #expect(failure.message.contains("web is not up after 5 seconds\n0 of 2 running"))
        #expect(failure.message.contains("web.1  pending: no suitable node (2 nodes: drained)"))
        #expect(failure.hint?.contains("clusterctl service ps web") == true)
    }
}
