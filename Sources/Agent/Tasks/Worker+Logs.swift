import Model

extension Worker {
    /// Reads the logs of some tasks of this node side by side and gives them out in batches, each task's in order.
    nonisolated func sendLogs(
        _ subscription: LogSubscription, to send: @escaping @Sendable ([LogEntry]) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for taskID in subscription.taskIDs {
                group.addTask { try await self.sendLog(of: taskID, subscription.options, to: send) }
            }
            try await group.waitForAll()
        }
    }

    private nonisolated func sendLog(
        of taskID: String, _ options: LogOptions, to send: @Sendable ([LogEntry]) async throws -> Void
    ) async throws {
        let containerID = Self.containerID(taskID)
        let nodeID = self.nodeID
        var cursor = engine.logReader(containerID).cursor(options) { await self.hasEnded(taskID) }
        while let lines = try await cursor.next() {
            var rest = lines[...]
            while !rest.isEmpty {
                let batch = rest.prefix(DispatchLimits.logEntriesPerMessage)
                rest = rest.dropFirst(batch.count)
                try await send(
                    batch.map { line in
                        LogEntry(
                            timestamp: line.timestamp, stream: line.stream, taskID: taskID, nodeID: nodeID,
                            bytes: line.isPartial ? line.bytes : line.bytes + [UInt8(ascii: "\n")])
                    })
            }
        }
    }

    /// Whether a task writes no more: it is gone or at its end.
    private func hasEnded(_ taskID: String) -> Bool {
        machines[taskID].map { $0.status.state.isTerminal } ?? true
    }
}
