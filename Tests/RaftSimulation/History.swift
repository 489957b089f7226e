/// What clients asked and were told, in the order in which it happened.
package struct History {
    package struct Operation: Equatable, Sendable {
        package let client: UInt64
        package let command: RegisterCommand
        /// When it was asked, and when it was answered; both count events. Not answered means that it happened at any time
        /// since, or never.
        package let invoked: Int
        package fileprivate(set) var returned: Int?
        package fileprivate(set) var found: UInt64?
        package fileprivate(set) var wrote: Bool?

        /// One whose answer is known, or is not.
        package init(
            client: UInt64, _ command: RegisterCommand, invoked: Int, returned: Int? = nil,
            found: UInt64? = nil, wrote: Bool? = nil
        ) {
            self.client = client
            self.command = command
            self.invoked = invoked
            self.returned = returned
            self.found = found
            self.wrote = wrote
        }
    }

    package private(set) var operations: [Operation] = []
    private var events = 0
    /// Which of `operations` did not happen.
    private var withdrawn: Set<Int> = []

    package init() {}

    /// Returns what names the operation here.
    mutating func invoke(_ command: RegisterCommand, by client: UInt64) -> Int {
        events += 1
        operations.append(Operation(client: client, command, invoked: events))
        return operations.count - 1
    }

    mutating func complete(_ operation: Int, found: UInt64, wrote: Bool) {
        events += 1
        operations[operation].returned = events
        operations[operation].found = found
        operations[operation].wrote = wrote
    }

    /// It is known not to have happened.
    mutating func withdraw(_ operation: Int) { withdrawn.insert(operation) }

    /// What happened or may have happened to one register.
    package func operations(on register: Int) -> [Operation] {
        operations.enumerated().filter { position, operation in
            operation.command.register == register && !withdrawn.contains(position)
                // A read that nobody saw the result of says nothing.
                && !(operation.command.kind == .get && operation.returned == nil)
        }.map(\.element)
    }
}
