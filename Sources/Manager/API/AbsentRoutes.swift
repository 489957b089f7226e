internal import HTTP

/// What clients ask for and this cluster does not have: refusals that say so.
struct AbsentRoutes: Sendable {
    func register(in router: inout Router) {
        router.get("/distribution/{name...}/json") { request in
            throw HTTPError(
                .notImplemented,
                "no registry is asked for '\(try request.capture("name"))': load the image on each node with \"image load\""
            )
        }
    }
}
