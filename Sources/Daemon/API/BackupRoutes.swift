import HTTP
import Model
import Platform
import Store

/// The state as a file, and back. Docker has no word for it: `GET /swarm/backup` is answered by the manager that is asked, of
/// its own copy; `POST /swarm/restore` by a node that is in no cluster.
struct BackupRoutes: Sendable {
    let node: LocalNode

    func register(in router: inout Router) {
        router.get("/swarm/backup") { _ in
            let backup = try await node.managerRole().backup()
            var headers: HTTPHeaders = ["Content-Type": "application/octet-stream"]
            headers[BackupHeaders.cluster] = backup.header.clusterID
            headers[BackupHeaders.revision] = "\(backup.header.revision)"
            // What keeps the copy from being known as the leader's: no line can break in a header.
            headers[BackupHeaders.doubt] = backup.doubt.map { $0.replacing("\n", with: " ") }
            return HTTPResponse(.ok, headers: headers, body: .stream(of: backup.pieces))
        }
        router.post("/swarm/restore") { request in
            let (advertise, dataPath) = (request.query["advertiseAddr"], request.query["dataPathAddr"])
            return try .json(
                await SwarmRoutes.toTheEnd {
                    try await node.restore(request.body, advertise: advertise, dataPath: dataPath)
                })
        }
    }
}
