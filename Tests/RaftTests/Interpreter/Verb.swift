/// What a line of a scenario may begin with. One verb is one file.
protocol Verb: SendableMetatype {
    static var word: String { get }

    /// Does it. What follows from it is in the stage's `told` then.
    static func act(_ words: inout Words, on stage: Stage) throws
}
