/// Whose log is read: a whole service's, tasks that are yet to come included, or one task's.
public struct LogSubject: Sendable, Equatable {
    public let serviceID: String
    /// Nil: all of the service's tasks.
    public let taskID: String?

    public init(serviceID: String, taskID: String? = nil) {
        self.serviceID = serviceID
        self.taskID = taskID
    }
}
