import HTTP
import Model
import Platform

/// Makes the files with which somebody may use the API over TCP.
enum ManagerClientCertificate: Command {
    static let syntax = Syntax(
        path: ["manager", "client-certificate"],
        summary: "Let somebody use the API over TCP; list who may, and take it back",
        positionals: [
            .init("NAME", "who the files are for, as the certificate says; or 'ls'; or 'revoke SERIAL|NAME...'", .many)
        ],
        options: [
            .value(
                "role", "ROLE", "admin, or read-only (the default): it sees no secret, no token and changes nothing"),
            .value("out", short: "o", "DIR", "the folder for ca.pem, cert.pem and key.pem (default: NAME, here)"),
            .value("expiry", "DURATION", "how long it is valid (default 365d)"),
            .flag("force", short: "f", "revoke: also a serial number that the cluster does not know"),
        ],
        notes: [
            "The key is made here and goes nowhere else. 'revoke' takes certificates back, all of a name or one by its serial number "
                + "('openssl x509 -serial'): every manager refuses them at once, open connections end. Nodes that were given "
                + "--tls-ca and are no managers know nothing of it."
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        switch arguments.positionals[0] {
        case "ls": try await ClientCertificates.list(arguments, in: session)
        case "revoke": try await ClientCertificates.revoke(arguments, in: session)
        default: try await make(arguments, in: session)
        }
    }

    private static func make(_ arguments: Arguments, in session: Session) async throws {
        guard arguments.positionals.count == 1 else { throw arguments.usage("one NAME at a time") }
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
