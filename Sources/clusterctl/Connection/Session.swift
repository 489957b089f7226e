import HTTP
import Model
import Platform

/// What a command works with: the daemon it asks and the console it prints to.
struct Session: Sendable {
    let engine: Engine
    let console: Console
    let format: OutputFormat
    /// The host as named on the command line; nil for the default.
    let host: String?
    /// What the command reads of the process's environment.
    let environment: [String: String]

    /// The clock that ages in tables are counted from.
    var now: Timestamp { WallClock.now() }

    func show(_ listing: Listing) throws { console.write(try listing.text(format, width: console.width)) }

    /// Prints objects as `inspect` does: an array of JSON, or a template's line for each.
    func show(_ objects: [JSONValue]) throws {
        switch format {
        case .table, .json: console.line(JSONValue.array(objects).pretty)
        case .template(let template):
            for object in objects { console.line(try template.line(cells: [:], object: object)) }
        }
    }

    /// Does something to each of several objects; all are tried, the first failure is the command's.
    func forEach(_ names: [String], _ body: (String) async throws -> Void) async throws {
        var failures: [any Error] = []
        for name in names {
            do {
                try await body(name)
            } catch {
                if names.count > 1 {
                    let words = (error as? EngineError).map { Advice.plain($0.message) } ?? "\(error)"
                    console.warn("\(name): \(words)")
                }
                failures.append(error)
            }
        }
        guard let first = failures.first else { return }
        throw names.count == 1 ? first : Failure("\(failures.count) of \(names.count) failed")
    }

    /// Nodes' names by their ids, as far as this daemon tells.
    func nodeNames() async throws -> [String: String] {
        let nodes = try await engine.fetch([Node].self, ["nodes"])
        return Dictionary(nodes.map { ($0.id, $0.displayName) }, uniquingKeysWith: { first, _ in first })
    }
}

extension Node {
    /// The name its user gave it, or else the host's.
    var displayName: String {
        if let name = spec.name, !name.isEmpty { return name }
        return description.hostname
    }
}
