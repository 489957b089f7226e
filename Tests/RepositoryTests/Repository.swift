import Foundation

/// The tree this test was built from.
enum Repository {
    /// The repository's root folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let sources = swiftFiles(below: "Sources")
    static let tests = swiftFiles(below: "Tests")

    /// Every file that is the project's own text, whatever its language, as path and contents.
    static let texts: [(path: String, text: String)] = {
        let folders = ["Sources", "Tests", "deploy", "docs", ".ci"].flatMap { paths(below: $0) }
        let top = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        return (folders + top).sorted().compactMap { path in
            guard let data = try? Data(contentsOf: root.appending(path: path)) else { return nil }
            return String(data: data, encoding: .utf8).map { (path, $0) }
        }
    }()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func swiftFiles(below folder: String) -> [SourceFile] {
        paths(below: folder).filter { $0.hasSuffix(".swift") }.sorted().compactMap { path in
            (try? text(path)).map { SourceFile(path: path, text: $0) }
        }
    }

    private static func paths(below folder: String) -> [String] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
        return names.map { "\(folder)/\($0)" }
    }
}
