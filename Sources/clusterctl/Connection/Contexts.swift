import FoundationEssentials
import HTTP
import Platform

/// Clusters by name: where their API is and what proves who asks. In `~/.config/martlet/contexts.json`, for this user alone.
struct Contexts: Codable, Sendable, Equatable {
    struct Context: Codable, Sendable, Equatable {
        var host: String
        var tls: TLSFiles?

        enum CodingKeys: String, CodingKey {
            case host = "Host"
            case tls = "TLS"
        }
    }

    /// The word for the socket on this machine.
    static let local = "default"
    private static let sizeLimit = 1 << 20

    var current: String?
    var contexts: [String: Context] = [:]

    enum CodingKeys: String, CodingKey {
        case current = "Current"
        case contexts = "Contexts"
    }

    /// Nil where the environment names no home.
    static func path(_ environment: [String: String]) -> String? {
        let folder = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        if let folder { return folder + "/martlet/contexts.json" }
        return environment["HOME"].flatMap { $0.isEmpty ? nil : $0 + "/.config/martlet/contexts.json" }
    }

    /// What was saved; nothing where there is no file.
    ///
    /// - Throws: `Failure` for a file that cannot be read or understood.
    static func load(_ environment: [String: String]) throws(Failure) -> Contexts {
        guard let path = path(environment), Files.exists(path) else { return Contexts() }
        do {
            return try HTTPJSON.decode(Contexts.self, from: Files.read(path, limit: sizeLimit))
        } catch let error as SystemError {
            throw Failure("\(path): \(error.reason)")
        } catch {
            throw Failure("\(path): \(error)", hint: "Mend it, or remove it and create the contexts anew.")
        }
    }

    func save(_ environment: [String: String]) throws(Failure) {
        guard let path = Self.path(environment) else { throw Failure("$HOME is not set: contexts have no place") }
        do {
            try Files.createDirectories(Files.parent(of: path), mode: 0o700)
            try Files.replace(path, with: try HTTPJSON.encode(self), mode: 0o600)
        } catch {
            throw Failure("\(path): \(error)")
        }
    }

    /// - Throws: `Failure` where there is none of that name.
    func find(_ name: String) throws(Failure) -> Context {
        if name == Self.local { return Context(host: Endpoint.defaultHost) }
        guard let context = contexts[name] else {
            throw Failure(
                "there is no context '\(name)'", hint: "'clusterctl context ls' shows those that there are.")
        }
        return context
    }
}
