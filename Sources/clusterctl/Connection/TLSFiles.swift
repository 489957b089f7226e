import FoundationEssentials
import HTTP
import Platform

/// The files that a client proves itself with, and trusts.
struct TLSFiles: Codable, Sendable, Equatable {
    var authority: String
    /// Nil without a certificate of one's own.
    var certificate: String?
    var key: String?

    /// The names that Docker gives them, in one folder.
    static func inFolder(_ path: String) -> TLSFiles {
        TLSFiles(authority: path + "/ca.pem", certificate: path + "/cert.pem", key: path + "/key.pem")
    }

    /// - Throws: `Failure` that names the file.
    func context(for address: SocketAddress) throws(Failure) -> TLSContext {
        let host: String
        switch address {
        case .ipv4(let ip, _): host = "\(ip)"
        case .ipv6(let ip, _): host = "\(ip)"
        case .unix: throw Failure("TLS is for tcp://IP:PORT; the socket on this machine needs none")
        }
        let roots = try Self.read(authority) { (bytes) throws(CertificateError) in try Certificate.all(pem: bytes) }
        var identity: (key: PrivateKey, chain: [Certificate])?
        if let certificate, let key {
            identity = (
                try Self.read(key) { (bytes) throws(CertificateError) in try PrivateKey(pem: bytes) },
                try Self.read(certificate) { (bytes) throws(CertificateError) in try Certificate.all(pem: bytes) }
            )
        }
        do {
            return try TLSContext.apiClient(identity: identity, roots: roots, address: host)
        } catch {
            throw Failure("\(certificate ?? authority): \(error)")
        }
    }

    private static func read<Value>(
        _ path: String, _ parse: ([UInt8]) throws(CertificateError) -> Value
    ) throws(Failure) -> Value {
        let bytes: [UInt8]
        do {
            bytes = try Files.read(path, limit: PrivateKey.sizeLimit)
        } catch {
            throw Failure(
                "\(path): \(error.reason)",
                hint: "A manager makes these files: clusterctl manager client-certificate NAME --out DIR")
        }
        do {
            return try parse(bytes)
        } catch {
            throw Failure("\(path): \(error)")
        }
    }
}
