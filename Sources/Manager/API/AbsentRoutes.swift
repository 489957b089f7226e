internal import HTTP

/// What clients ask for and this cluster does not have: empty lists, and refusals that say so.
struct AbsentRoutes: Sendable {
    func register(in router: inout Router) {
        for (path, what) in [("/secrets", "secrets"), ("/configs", "configs")] {
            router.get(path) { _ in try .json([String]()) }
            router.post(path + "/create") { _ in throw ServiceValidation.unsupported("creating \(what)") }
            router.get(path + "/{id}") { request in
                throw HTTPError(.notFound, "\(what.dropLast()) \(try request.capture("id")) not found")
            }
        }
        router.get("/distribution/{name...}/json") { request in
            throw HTTPError(
                .notImplemented,
                "no registry is asked for '\(try request.capture("name"))': load the image on each node with \"image load\""
            )
        }
    }
}
