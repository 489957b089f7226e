import HTTP

/// Answers about keys from the state as it is at one revision.
enum KeyValueReading {
    static func entry(_ part: KeyValueState, _ key: ArraySlice<UInt8>, isRaw: Bool) -> DiscoveryAnswer {
        let found = part.version(of: key)
        var answer = DiscoveryAnswer(index: found?.modify ?? part.forgotten)
        guard let found, !found.isDeleted else {
            answer.status = .notFound
            return answer
        }
        if isRaw {
            answer.contentType = "text/plain; charset=utf-8"
            answer.body = Array(found.value)
            return answer
        }
        var json = EntryJSON()
        json.append(found)
        answer.body = json.finished
        return answer
    }

    static func entries(_ part: KeyValueState, _ prefix: ArraySlice<UInt8>) -> DiscoveryAnswer {
        var answer = DiscoveryAnswer(index: part.forgotten)
        var json = EntryJSON()
        part.forEach(prefix: prefix) { version in
            answer.index = max(answer.index, version.modify)
            if !version.isDeleted { json.append(version) }
        }
        if json.isEmpty { answer.status = .notFound } else { answer.body = json.finished }
        return answer
    }

    static func keys(_ part: KeyValueState, _ prefix: ArraySlice<UInt8>, separator: [UInt8]) -> DiscoveryAnswer {
        var answer = DiscoveryAnswer(index: part.forgotten)
        var keys: [String] = []
        part.forEach(prefix: prefix) { version in
            answer.index = max(answer.index, version.modify)
            guard !version.isDeleted else { return }
            var key = version.key
            if !separator.isEmpty, let range = key.dropFirst(prefix.count).firstRange(of: separator) {
                key = key[..<range.upperBound]
            }
            let text = String(decoding: key, as: UTF8.self)
            if keys.last.map({ !$0.utf8.elementsEqual(text.utf8) }) ?? true { keys.append(text) }
        }
        if keys.isEmpty {
            answer.status = .notFound
        } else {
            var json = EntryJSON()
            for key in keys { json.append(key) }
            answer.body = json.finished
        }
        return answer
    }
}
