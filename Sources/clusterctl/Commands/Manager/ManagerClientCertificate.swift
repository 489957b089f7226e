import HTTP
import Model
import Platform

/// Makes the files with which somebody may use the API over TCP.
enum ManagerClientCertificate: Command {
    static let syntax = Syntax(
        path: ["manager", "client-certificate"],
        summary: "Make the files with which somebody may use the API over TCP, in clusterctl and docker",
        positionals: [.init("NAME", "who it is for: it stands in the certificate")],
        options: [
            .value(
                "role", "ROLE", "admin, or read-only (the default): it sees no secret, no token and changes nothing"),
            .value("out", short: "o", "DIR", "the folder for ca.pem, cert.pem and key.pem (default: NAME, here)"),
            .value("expiry", "DURATION", "how long it is valid (default 365d)"),
        ],
        notes: [
            "The key is made here and goes nowhere else. A certificate cannot be taken back before it ends, but by changing the "
                + "cluster's root: 'clusterctl manager ca rotate' ends them all."
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let name = arguments.positionals[0]
        let roles = ClientIdentity.Role.allCases.map(\.rawValue)
        let role = try arguments.choice("role", of: roles) ?? ClientIdentity.Role.readOnly.rawValue
        let folder = arguments.value("out") ?? name
        for file in ["ca.pem", "cert.pem", "key.pem"] where Files.exists("\(folder)/\(file)") {
            throw Failure("\(folder)/\(file) is there already", hint: "Name another folder: --out DIR.")
        }
        let key = PrivateKey.generate()
        let answer = try await session.engine.fetch(
            ClientCertificateAnswer.self, ["swarm", "client-certificate"], method: .post,
            json: ClientCertificateRequest(
                name: name, role: role, request: Base64Bytes(CertificateRequest(signedBy: key).der),
                validity: try arguments.nanoseconds("expiry")))
        do {
            try Files.createDirectories(folder, mode: 0o700)
            try Files.replace(folder + "/key.pem", with: key.pem, mode: 0o600)
            try Files.replace(folder + "/cert.pem", with: Array(answer.certificate.utf8), mode: 0o644)
            try Files.replace(folder + "/ca.pem", with: Array(answer.roots.utf8), mode: 0o644)
        } catch {
            throw Failure("\(folder): \(error.reason)")
        }
        let end = try Certificate(pem: Array(answer.certificate.utf8)).notAfter
        session.console.line("\(folder): \(role) \(name), until \(end)")
        session.console.line(
            "    clusterctl --host tcp://IP:PORT --tls \(folder) node ls\n"
                + "    docker --host tcp://IP:PORT --tlsverify --tlscacert \(folder)/ca.pem --tlscert \(folder)/cert.pem "
                + "--tlskey \(folder)/key.pem node ls")
    }
}
