/// Finds the word that was probably meant.
enum Suggestion {
    /// The candidate nearest to `word`: one it begins, or one at most two edits (a third of its length) away.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        if word.count > 2, let longer = candidates.filter({ $0.hasPrefix(word) }).min() { return longer }
        let reach = min(2, max(1, word.count / 3))
        let near = candidates.map { (distance(word, $0), $0) }.filter { $0.0 <= reach }
        return near.min { ($0.0, $0.1) < ($1.0, $1.1) }?.1
    }

    /// Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        guard left.count <= 64, right.count <= 64 else { return .max }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(replaced, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
