import Raft

@testable import Discovery
@testable import Store

/// A client that watches keys, of one manager after the other: where one ends, it goes on elsewhere behind the last revision that it
/// was told of.
final class StateWatcher {
    let topic: WatchTopic
    let start: UInt64
    /// Nanoseconds between two looks, at most.
    let pace: UInt64
    var nextLook: UInt64 = 0
    private var position: UInt64
    private(set) var seen: [String] = []
    /// Revisions that it was told are compacted: after the first, up to the second.
    private(set) var gaps: [(after: UInt64, upTo: UInt64)] = []
    private var feed: KeyFeed?
    private weak var hub: WatchHub?

    init(_ topic: WatchTopic, after start: UInt64, pace: UInt64) {
        self.topic = topic
        self.start = start
        self.pace = pace
        position = start
    }

    static func text(_ version: KeyVersion) -> String {
        "\(version.modify).\(version.order) \(version.keyText) \(version.isDeleted ? "-" : "\(version.rowHash(in: KeyValueState.name))")"
    }

    func leave() {
        if let feed, let hub { hub.leave(feed) }
        (feed, hub) = (nil, nil)
    }

    /// The one that it watches, as long as it lives, and mostly.
    func hub(among hubs: [WatchHub], orAnyBy random: inout SeededGenerator) -> WatchHub {
        if let hub, hubs.contains(where: { $0 === hub }), random.below(40) > 0 { return hub }
        return hubs[Int(random.below(UInt64(hubs.count)))]
    }

    /// Takes all that the manager has to say now; nil if that is well.
    func look(at hub: WatchHub) throws -> String? {
        if self.hub !== hub { leave() }
        let feed = feed ?? KeyFeed(topic, after: position)
        if self.feed == nil {
            try hub.enter()
            (self.feed, self.hub) = (feed, hub)
        }
        while let event = feed.poll(hub) {
            switch event {
            case .changes(let batches):
                for batch in batches {
                    guard batch.revision > position else {
                        return "a watcher was told of \(batch.revision) after \(position)"
                    }
                    position = batch.revision
                    seen += batch.versions.map(Self.text)
                }
            case .progress: break
            case .compacted(let compacted):
                guard compacted > position else { return "compacted to \(compacted), where \(position) was told" }
                gaps.append((position, compacted))
                position = compacted
                leave()
                return nil
            }
        }
        return nil
    }

    /// What it should have seen, and did not, or the other way round; nil if that is the same.
    func difference(from versions: [KeyVersion]) -> String? {
        let expected = versions.filter { version in
            version.modify > start && topic.contains(version.key)
                && !gaps.contains { $0.after < version.modify && version.modify <= $0.upTo }
        }
        let texts = expected.map(Self.text)
        guard texts != seen else { return nil }
        let place = zip(texts, seen).enumerated().first { $1.0 != $1.1 }?.offset ?? min(texts.count, seen.count)
        return
            "a watcher of \(topic) after \(start) was told \(seen.count) changes of \(texts.count); the \(place). was "
            + "\(seen.dropFirst(place).first ?? "none") instead of \(texts.dropFirst(place).first ?? "none")"
    }
}
