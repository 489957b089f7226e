import HTTP
import Manager
import Model
import Platform
import Store
import Synchronization

/// What the API over TCP proves itself with, and whose clients it takes: files that the operator gives, or else, on a manager,
/// a certificate that it issues itself from the cluster's root, whose clients are those of `manager client-certificate`.
final class APICertificates: Sendable {
    private enum Limits {
        static let handshake: Duration = .seconds(5)
    }

    private struct Made {
        let roots: String
        let clusterID: String
        let until: Timestamp
        let context: TLSContext
    }

    private let node: LocalNode
    private let own: TLSContext?
    private let made = Mutex<Made?>(nil)
    private let log = Logger("api")

    /// - Throws: `ConfigurationError` for files that are not what they should be.
    init(_ node: LocalNode) throws {
        self.node = node
        own = try node.configuration.apiTLS.map { try $0.context() }
    }

    /// The handshake of one connection.
    func secure(_ stream: SocketStream) async throws -> (stream: any ByteStream, peer: HTTPPeer) {
        do {
            guard let (context, cluster) = try await context() else {
                throw HTTPError(
                    .serviceUnavailable,
                    "this node is no manager: the API over TCP needs --tls-ca, --tls-cert and --tls-key here")
            }
            let secured = try await TLSStream.handshake(
                over: stream, context, within: Limits.handshake, on: stream.loop)
            // An operator's root may have issued others that look alike.
            if let cluster, let client = secured.peer, client.organization != cluster {
                secured.close()
                throw TLSError.untrusted("the certificate is of another cluster")
            }
            // One that was taken back gets no further than an answer that says so: a connection that ends without a word says nothing.
            return (secured, HTTPPeer(address: stream.remoteAddress, entrance: .secured(secured.peer)))
        } catch {
            log.debug(
                "a connection was refused", ["from": stream.remoteAddress.map { "\($0)" } ?? "", "error": "\(error)"])
            throw error
        }
    }

    /// Made anew when the roots change, or when half of its time is over.
    ///
    /// - Returns: also the cluster that clients' certificates must name, unless the operator's files say whose are taken.
    private func context() async throws -> (TLSContext, clusterID: String?)? {
        if let own { return (own, nil) }
        guard let store = try? await node.managerRole().store else { return nil }
        let (snapshot, now) = (store.snapshot, WallClock.now())
        let roots = try CertificatePolicy.roots(in: snapshot)
        if let made = made.withLock({ $0 }), made.roots == roots, now < made.until {
            return (made.context, made.clusterID)
        }
        guard let cluster = snapshot.all(Cluster.self).first else { return nil }
        let key = PrivateKey.generate()
        let certificate = try CertificatePolicy.authority(in: snapshot, now: now).issueServer(
            for: key, name: node.configuration.name ?? HostFacts.current.hostname, of: cluster.id, places: places(),
            now: now)
        let context = try TLSContext.apiServer(
            key: key, chain: [certificate], clientRoots: Certificate.all(pem: [UInt8](roots.utf8)))
        let half = (certificate.notAfter - now) / 2
        made.withLock { $0 = Made(roots: roots, clusterID: cluster.id, until: now + half, context: context) }
        return (context, cluster.id)
    }

    /// Where clients may look for this node.
    private func places() -> [String] {
        var places = ["localhost", "127.0.0.1", HostFacts.current.hostname]
        places += [node.configuration.name].compactMap { $0 }
        let addresses = [node.configuration.advertiseAddress].compactMap { $0 } + node.configuration.hosts
        for address in addresses {
            if case .unix = address { continue }
            places.append(address.host)
        }
        places += NodeAddresses.interfaceAddresses().map { "\($0.address)" }
        return Set(places).subtracting(["0.0.0.0", "::"]).sorted()
    }
}

/// Files for the API over TCP.
public struct APITLSFiles: Sendable, Equatable {
    /// Whose certificates clients must have.
    public var authority: String
    public var certificate: String
    public var key: String

    /// - Throws: `ConfigurationError` that names the file.
    func context() throws -> TLSContext {
        let roots = try Self.certificates(authority, "tls-ca")
        let chain = try Self.certificates(certificate, "tls-cert")
        do {
            return try TLSContext.apiServer(
                key: PrivateKey(pem: Files.read(key, limit: PrivateKey.sizeLimit)), chain: chain, clientRoots: roots)
        } catch {
            throw ConfigurationError("--tls-key \(key): \(error)")
        }
    }

    private static func certificates(_ path: String, _ flag: String) throws -> [Certificate] {
        do {
            let certificates = try Certificate.all(pem: Files.read(path, limit: Certificate.sizeLimit))
            guard !certificates.isEmpty else { throw CertificateError.malformed("PEM: there is no certificate") }
            return certificates
        } catch {
            throw ConfigurationError("--\(flag) \(path): \(error)")
        }
    }
}
