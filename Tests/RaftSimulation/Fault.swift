/// What can happen to a group.
package enum Fault: CaseIterable, Sendable {
    /// The machine loses its power, at once or in the middle of what it does to its disk.
    case powerOff, powerLossMidway
    /// The process ends, the machine does not: what was written and not synced is still there.
    case kill
    /// A stopped process: it stands still, and what arrives waits.
    case pause
    /// Two halves that do not hear each other; one direction between two members, or both; one member alone, or one that
    /// hears nobody and is heard.
    case partition, cutLink, cutPair, isolation, deafness
    /// A link that delivers nothing for a while and then everything.
    case clog
    /// Loss, repetition and delay become worse or better.
    case noise
    /// A clock runs faster or slower from now on, within what leases allow for; or leaps, which they do not.
    case drift, clockLeap
    case fullDisk
    /// A disk that hangs in the middle of what it is asked to do.
    case stuckDisk
    /// One operation fails: the member stops.
    case diskError
    /// One bit is not what was written. At most one member is lost to it.
    case bitFlip
    /// A member is told that its leader is gone.
    case forgetLeader
    /// All are told so, of a leader that lives: their way to it has ended, and whoever is asked for it refuses.
    case falseDeath
    /// A member is told to read by its lease from now on, or not to: its followers' promises come and go.
    case leaseSwitch
    case transfer
    /// A leader is not heard from some moment around its election on, and ends soon after: its first entries are half
    /// replicated or not at all.
    case shortReign
    /// A new leader reaches only a few others from the start, and they soon nobody else; the rest elects the next, which fares
    /// alike: several leaders in turn, each with entries that only its own few know.
    case narrowReign
    /// One follower loses sight of the leader, a little later all do, and those who heard it last are restarted.
    case lostSight
    /// A leader gets the answers to what it has sent only when it is out of sight and another one leads.
    case lateAnswers
    /// A leader out of sight comes back to those who have begun to campaign, before the winner of that campaign is heard: they promise
    /// to depose nobody, and hear of a later term after that.
    case returningLeader
    /// Of two members the leader removes itself and hears no more of the other, which is restarted with an entry that leaves it alone
    /// and that nobody has committed.
    case lastOne
    /// An entry that a leader and one other member have gives way to the next leader's in the log of the first; then the other one is
    /// elected, and it is committed after all.
    case overtakenEntry
    /// Of an even number of voters a leader out of sight takes one out, and the next leader, which only half of them hear, takes
    /// out the first one: each then has a majority of what it takes for the voters in its own half (Ongaro's report of 2015).
    case hastyChange
    /// A snapshot does not get through: its receiver or its leader ends, stands still or is cut off in the middle.
    case snapshotMidway
    /// A follower out of sight lacks what a leader's snapshot has, and is back while that leader takes long to write the next one.
    case lateFollower
    case membership
    /// All links and disks work again.
    case repair

    /// Which of `options.faults` a run has: about half of them, so that no fault always hides what another shows.
    static func drawn(from faults: [Fault], _ random: (UInt64) -> UInt64) -> [Fault] {
        faults.filter { random(2) == 0 || $0 == .repair }
    }
}
