// swift-tools-version: 6.2
import PackageDescription

// The targets are floors: each names only floors below it (docs/architecture.md draws the house).

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

func floor(_ name: String, on below: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: below, swiftSettings: strict)
}

func executable(_ name: String, on below: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: below, swiftSettings: strict)
}

func tests(_ name: String, of below: [Target.Dependency], besides files: [String] = []) -> Target {
    .testTarget(name: name, dependencies: below + ["TestSupport"], exclude: files, swiftSettings: strict)
}

func library(_ name: String, pkgConfig: String, debian: String) -> Target {
    .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])
}

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "clusterd", targets: ["clusterd"]),
        .executable(name: "clusterctl", targets: ["clusterctl"]),
    ],
    targets: [
        // Executables: parse, build, run.
        executable("clusterd", on: ["Daemon", "Discovery", "Model", "Platform"]),
        executable("clusterctl", on: ["Model", "HTTP", "Compose", "Platform"]),

        // One node: roles at run time, merged API routes, forwarding.
        floor(
            "Daemon",
            on: [
                "Manager", "Agent", "Raft", "Scheduler", "Discovery", "Overlay", "Store", "HTTP", "Model", "Platform",
            ]),

        // The two sides of the dispatcher protocol; neither imports the other.
        floor("Manager", on: ["Raft", "Scheduler", "Discovery", "Overlay", "Store", "HTTP", "Model", "Platform"]),
        floor("Agent", on: ["Overlay", "Discovery", "HTTP", "Model", "Platform", "CArchive", "CLinux"]),

        // Each usable and testable alone; none imports another.
        floor("Raft", on: ["Platform"]),
        floor("Scheduler", on: ["Model"]),
        floor("Discovery", on: ["Store", "HTTP", "Model", "Platform"]),
        floor("Overlay", on: ["Model", "Platform", "CLinux"]),
        floor("Compose", on: ["Model", "Platform", "CYAML"]),

        // Replicated tables and change feed; HTTP/1.1; cluster objects as the Engine API spells them.
        floor("Store", on: ["Model", "Platform"]),
        floor("HTTP", on: ["Platform"]),
        floor("Model", on: ["Platform"]),

        // Linux: descriptors, event loop, processes, namespaces, clocks, log, metrics, SQLite, terminal.
        floor("Platform", on: ["CLinux", "CSQLite", "COpenSSL"]),

        // C, header-only.
        .systemLibrary(name: "CLinux", path: "Sources/C/CLinux"),
        library("CSQLite", pkgConfig: "sqlite3", debian: "libsqlite3-dev"),
        library("COpenSSL", pkgConfig: "openssl", debian: "libssl-dev"),
        library("CArchive", pkgConfig: "libarchive", debian: "libarchive-dev"),
        library("CYAML", pkgConfig: "yaml-0.1", debian: "libyaml-dev"),
        library("CCurl", pkgConfig: "libcurl", debian: "libcurl4-openssl-dev"),

        // Tests mirror sources.
        .target(name: "TestSupport", dependencies: ["Platform"], path: "Tests/TestSupport", swiftSettings: strict),
        tests("PlatformTests", of: ["Platform", "CLinux"]),
        tests("ModelTests", of: ["Model"]),
        tests("HTTPTests", of: ["HTTP", "Platform"]),
        tests("StoreTests", of: ["Store", "Model", "Platform"]),
        // One seed, one history: the simulator that RaftTests runs, and the program that runs it alone.
        .target(
            name: "RaftSimulation", dependencies: ["Raft", "Platform"], path: "Tests/RaftSimulation",
            swiftSettings: strict),
        .executableTarget(
            name: "raft-simulate", dependencies: ["RaftSimulation"], path: "Tests/raft-simulate",
            swiftSettings: strict),
        tests("RaftTests", of: ["Raft", "Platform", "RaftSimulation", "raft-simulate"], besides: ["Scenarios"]),
        tests("SchedulerTests", of: ["Scheduler", "Model", "Platform"]),
        tests("DiscoveryTests", of: ["Discovery", "Store", "HTTP", "Model", "Platform"]),
        tests("OverlayTests", of: ["Overlay", "Model", "Platform", "CLinux"]),
        tests("ComposeTests", of: ["Compose", "Model"]),
        tests("AgentTests", of: ["Agent", "Overlay", "Discovery", "HTTP", "Model", "Platform", "CArchive", "CLinux"]),
        tests("ManagerTests", of: ["Manager", "Scheduler", "Store", "HTTP", "Model", "Platform"]),
        tests(
            "DaemonTests",
            of: [
                "Daemon", "Manager", "Agent", "Discovery", "Raft", "RaftSimulation", "Store", "HTTP", "Model",
                "Platform",
            ], besides: ["Golden"]),
        tests("ClusterctlTests", of: ["clusterctl", "Discovery", "Store", "Model", "HTTP", "Platform"]),
        tests("RepositoryTests", of: []),
    ]
)
