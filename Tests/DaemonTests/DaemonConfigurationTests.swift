import Foundation
import Platform
import Testing

@testable import Daemon

@Suite struct DaemonConfigurationTests {
    @Test func defaultsAreThoseOfTheContract() throws {
        let configuration = try DaemonConfiguration(arguments: [])
        #expect(configuration.dataDirectory == "/var/lib/clusterd")
        #expect(configuration.controlSocket == .unix("/run/clusterd/clusterd.sock"))
        #expect(configuration.listenAddress.port == 2377)
        #expect(configuration.dataPathPort == 4789)
    }

    @Test func leasesAreOnUnlessTurnedOff() throws {
        #expect(try DaemonConfiguration(arguments: []).readsByLease)
        #expect(try DaemonConfiguration(arguments: ["--lease-reads", "on"]).readsByLease)
        #expect(try !DaemonConfiguration(arguments: ["--lease-reads=off"]).readsByLease)
        #expect {
            try DaemonConfiguration(arguments: ["--lease-reads", "yes"])
        } throws: { "\($0)" == "--lease-reads yes: on or off" }
    }

    @Test func flagsTakeBothSpellings() throws {
        let configuration = try DaemonConfiguration(arguments: [
            "--name=n1", "--data-dir", "/d", "--host", "unix:///a.sock", "--host=tcp://127.0.0.1:2375",
            "--advertise-addr", "10.0.0.1",
        ])
        #expect(configuration.name == "n1")
        #expect(configuration.hosts.count == 2)
        #expect(configuration.advertiseAddress?.description == "10.0.0.1:2377")
    }

    @Test func fileIsReadFirstAndFlagsWin() throws {
        let path = NSTemporaryDirectory() + "clusterd-\(UUID().uuidString).conf"
        try "# a comment\nname = from-file\ndata-path-port = 5000 # another\n".write(
            toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let configuration = try DaemonConfiguration(arguments: ["--name", "from-flag", "--config", path])
        #expect(configuration.name == "from-flag")
        #expect(configuration.dataPathPort == 5000)
    }

    /// The line is counted as editors count it, and what is wrong with it is said.
    @Test(arguments: [
        ("bogus = 3", "unknown flag bogus"), ("log-level", "expected 'flag = value'"), ("=", "expected"),
        ("name =", "expected"), ("config = /x", "--config is for the command line alone"),
        ("audit-discovery = true", "--audit-discovery is for the command line alone"),
    ])
    func aLineOfAFileThatIsWrongIsNamed(line: String, words: String) throws {
        let path = NSTemporaryDirectory() + "clusterd-\(UUID().uuidString).conf"
        try "# a comment\n\n\nname = n1\n\(line)\n".write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = #expect(throws: ConfigurationError.self) { try DaemonConfiguration(arguments: ["--config", path]) }
        #expect(error?.description.contains("line 5: \(words)") == true, "\(String(describing: error))")
    }

    /// A file would repeat it at every start.
    @Test func aNewClusterIsForcedByTheCommandLineAlone() throws {
        #expect(try DaemonConfiguration(arguments: ["--force-new-cluster", "--name", "n1"]).forcesNewCluster)
        #expect(try !DaemonConfiguration(arguments: ["--name", "n1"]).forcesNewCluster)
        let path = NSTemporaryDirectory() + "clusterd-\(UUID().uuidString).conf"
        try "force-new-cluster = true\n".write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: ConfigurationError.self) { try DaemonConfiguration(arguments: ["--config", path]) }
    }

    @Test func theAPIOverTCPIsNotOpenedByChance() throws {
        let plain = try DaemonConfiguration(arguments: ["--host", "tcp://127.0.0.1:2376"])
        #expect(!plain.opensAPI && plain.apiTLS == nil)
        #expect(try DaemonConfiguration(arguments: ["--dangerously-open-api"]).opensAPI)
        let files = try DaemonConfiguration(arguments: ["--tls-ca", "/a", "--tls-cert=/b", "--tls-key", "/c"])
        #expect(files.apiTLS == APITLSFiles(authority: "/a", certificate: "/b", key: "/c"))
        let error = #expect(throws: ConfigurationError.self) { try files.apiTLS?.context() }
        #expect(error?.description.hasPrefix("--tls-ca /a: ") == true)
    }

    @Test func whereCallsAreWrittenDown() throws {
        #expect(try DaemonConfiguration(arguments: ["--data-dir", "/d"]).auditLogPath == "/d/audit.log")
        #expect(try DaemonConfiguration(arguments: ["--audit-log", "/a"]).auditLogPath == "/a")
        #expect(try DaemonConfiguration(arguments: ["--audit-log=off"]).auditLogPath == nil)
    }

    @Test(arguments: [
        ["--tls-ca", "/a"], ["--tls-cert", "/a", "--tls-key", "/b"], ["--dangerously-open-api=1"],
        ["--dangerously-open-api", "--tls-ca", "/a", "--tls-cert", "/b", "--tls-key", "/c"],
        ["--force-new-cluster=yes"], ["--force-new-cluster", "yes"], ["--nmae", "x"], ["stray"], ["--name"],
        ["--data-path-port", "0"], ["--listen-addr", "nowhere"],
        ["--log-format", "xml"], ["--log-level", "loud"], ["--config", "/does/not/exist"], ["--data-dir", ""],
        ["--data-path-addr", "::1"], ["--run-dir", "/" + String(repeating: "x", count: 120)],
    ])
    func wrongFlagsSayWhatToChange(arguments: [String]) {
        let error = #expect(throws: ConfigurationError.self) { try DaemonConfiguration(arguments: arguments) }
        #expect(error?.description.isEmpty == false)
    }

    @Test func usageNamesEveryFlagOfTheContract() {
        for flag in ["data-dir", "run-dir", "host", "name", "listen-addr", "advertise-addr", "runtime", "log-level"] {
            #expect(DaemonConfiguration.usage.contains("--\(flag) "))
        }
    }
}
