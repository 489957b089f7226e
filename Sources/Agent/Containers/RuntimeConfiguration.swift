/// `config.json` of a bundle: what the OCI runtime is told of a container.
///
/// Source: OCI runtime specification 1.0, config.md and config-linux.md; only the fields that are written here.
struct RuntimeConfiguration: Encodable {
    struct Process: Encodable {
        struct User: Encodable, Equatable {
            var uid: UInt32
            var gid: UInt32
            var additionalGids: [UInt32]?
        }

        struct Capabilities: Encodable {
            var bounding: [String]
            var effective: [String]
            var permitted: [String]
        }

        struct Limit: Encodable, Equatable {
            var type: String
            var soft: UInt64
            var hard: UInt64
        }

        var terminal: Bool
        var user: User
        var args: [String]
        var env: [String]
        var cwd: String
        var capabilities: Capabilities
        var rlimits: [Limit]?
        var noNewPrivileges = false
    }

    struct Root: Encodable {
        var path: String
        var readonly: Bool
    }

    struct Mount: Encodable, Equatable {
        var destination: String
        var type: String
        var source: String
        var options: [String]
    }

    struct Linux: Encodable {
        struct Namespace: Encodable {
            var type: String
            var path: String?
        }

        struct Resources: Encodable {
            struct DeviceRule: Encodable {
                var allow: Bool
                var access: String
            }

            struct Memory: Encodable {
                var limit: Int64
            }

            struct CPU: Encodable {
                /// Microseconds of CPU time in each period.
                var quota: Int64
                var period: UInt64
            }

            struct Pids: Encodable {
                var limit: Int64
            }

            var devices: [DeviceRule]
            var memory: Memory?
            var cpu: CPU?
            var pids: Pids?
        }

        var namespaces: [Namespace]
        var cgroupsPath: String
        var resources: Resources
        var sysctl: [String: String]?
        var maskedPaths: [String]
        var readonlyPaths: [String]
    }

    var ociVersion = "1.0.2"
    var process: Process
    var root: Root
    var hostname: String?
    var mounts: [Mount]
    var linux: Linux
}
