import CLinux
import Foundation
import Glibc
import Model
import Platform
import TestSupport
import Testing

@testable import Agent

@Suite(.enabled(if: Probe.isRoot), .timeLimit(.minutes(2)))
struct ImageStoreTests {
    private func layer(_ build: (inout TarBuilder) -> Void) -> [UInt8] {
        var tar = TarBuilder()
        build(&tar)
        return tar.finished
    }

    private func withStore(
        limits: ImageStore.Limits = .init(), _ body: (ImageStore, String) async throws -> Void
    ) async throws {
        let folder = try TestFolder()
        defer { folder.remove() }
        try await body(try ImageStore(directory: folder.path + "/store", limits: limits), folder.path)
    }

    private func load(_ store: ImageStore, _ folder: String, _ archive: [UInt8]) async throws -> [Image] {
        let path = "\(folder)/\(Identifier.random()).tar"
        try Files.write(path, archive)
        return try await store.load(archive: path)
    }

    /// Where a layer is unpacked.
    private func root(_ store: ImageStore, _ layer: [UInt8]) -> String {
        "\(store.layers.directory)/\(TarBuilder.digest(layer))/diff"
    }

    private func isEmpty(_ store: ImageStore) throws -> Bool {
        try Files.list(store.content.directory + "/blobs/sha256").isEmpty
            && Files.list(store.content.incoming).isEmpty
            && Files.list(store.layers.directory + "/incoming").isEmpty
            && Files.list(store.layers.directory + "/l").isEmpty
    }

    @Test("both layouts of docker save, gzipped or not, give the same image", arguments: [false, true])
    func layouts(oci: Bool) async throws {
        try await withStore { store, folder in
            let layer = layer { $0.add("etc/motd", text: "hello") }
            let archive = TarBuilder.image(layers: [layer], oci: oci)
            let images = try await load(store, folder, archive)
            #expect(images.map(\.tags) == [["made:1"]])
            #expect(images[0].size == 5)
            #expect(try Files.readText(root(store, layer) + "/etc/motd") == "hello")
            let zipped = "\(folder)/zipped.tar"
            try Files.write(zipped, archive)
            let gzip = Process()
            gzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
            gzip.arguments = [zipped]
            try gzip.run()
            gzip.waitUntilExit()
            #expect(try await store.load(archive: zipped + ".gz").map(\.id) == images.map(\.id))
            // A new store over the same folder knows it.
            let again = try ImageStore(directory: store.content.directory)
            #expect(try await again.image(named: "made:1").id == images[0].id)
        }
    }

    @Test("what a layer may hold: links, devices, attributes, owners, whiteouts, opaque directories")
    func layerContent() async throws {
        try await withStore { store, folder in
            let layer = layer { tar in
                tar.add("./", type: "5", mode: 0o755)
                tar.add("usr/bin/", type: "5", mode: 0o755)
                tar.add("usr/bin/tool", content: Array("#!".utf8), mode: 0o4755, owner: 33)
                tar.add("usr/bin/hard", type: "1", link: "usr/bin/tool")
                tar.add("bin", type: "2", link: "usr/bin")
                tar.add("bin/by-link", text: "through a link")
                tar.add("dev/null", type: "3", mode: 0o666, major: 1, minor: 3)
                tar.add("run/pipe", type: "6")
                tar.addPax([("path", "home/\u{fc}mlaut"), ("SCHILY.xattr.user.note", "kept")])
                tar.add("x", text: "unicode")
                tar.addPax([("SCHILY.xattr.trusted.overlay.redirect", "/etc")])
                tar.add("innocent", text: "x")
                tar.add("etc/.wh.passwd")
                tar.add("srv/.wh..wh..opq")
                tar.add("etc/.wh..wh.plnk")
            }
            _ = try await load(store, folder, TarBuilder.image(layers: [layer]))
            let root = root(store, layer)
            func status(_ path: String) -> stat {
                var result = stat()
                #expect(lstat(root + "/" + path, &result) == 0, "\(path)")
                return result
            }
            #expect(status("usr/bin/tool").st_mode & 0o7777 == 0o4755)
            #expect(status("usr/bin/tool").st_uid == 33)
            #expect(status("usr/bin/tool").st_mtim.tv_sec == 1_700_000_000)
            #expect(status("usr/bin/hard").st_ino == status("usr/bin/tool").st_ino)
            #expect(try Files.readText(root + "/usr/bin/by-link") == "through a link")
            #expect(status("dev/null").st_rdev == dev_t(cl_makedev(1, 3)))
            #expect(status("etc/passwd").st_rdev == 0)
            #expect(status("etc/passwd").st_mode & 0o170000 == 0o020000)
            #expect(!Files.exists(root + "/etc/.wh..wh.plnk"))
            var value = [CChar](repeating: 0, count: 16)
            #expect(getxattr(root + "/srv", "trusted.overlay.opaque", &value, 16) == 1)
            #expect(getxattr(root + "/home/\u{fc}mlaut", "user.note", &value, 16) == 4)
            #expect(getxattr(root + "/innocent", "trusted.overlay.redirect", &value, 16) == -1)
        }
    }

    @Test("an overlay of two layers hides what the upper one takes away")
    func overlay() async throws {
        try await withStore { store, folder in
            let lower = layer { tar in
                tar.add("etc/passwd", text: "secret")
                tar.add("srv/old", text: "old")
            }
            let upper = layer { tar in
                tar.add("etc/.wh.passwd")
                tar.add("srv/.wh..wh..opq")
                tar.add("srv/new", text: "new")
            }
            let images = try await load(store, folder, TarBuilder.image(layers: [lower, upper]))
            let directories = ContainerDirectories(data: folder, run: folder)
            let paths = ContainerPaths(id: "c", directories: directories)
            for path in [paths.root, paths.upper, paths.work] { try Files.createDirectories(path) }
            let links = try images[0].layers.map(store.layers.link)
            let layers = store.layers.directory
            try await runOnThread(named: "mount") {
                try OverlayMount.mount(links: links, layers: layers, paths: paths)
            }
            #expect(!Files.exists(paths.root + "/etc/passwd"))
            #expect(try Files.list(paths.root + "/srv") == ["new"])
            try OverlayMount.unmount(paths.root)
        }
    }

    @Test("nothing leads out of the layer, and nothing is left of what was refused")
    func traversal() async throws {
        let evil: [(String, (inout TarBuilder) -> Void)] = [
            ("dots", { $0.add("../escaped", text: "x") }),
            ("inner dots", { $0.add("a/../../escaped", text: "x") }),
            ("hard link out", { $0.add("link", type: "1", link: "../../../../../etc/passwd") }),
            ("hard link to nothing", { $0.add("link", type: "1", link: "no/such/file") }),
            ("whiteout of dots", { $0.add("a/.wh...") }),
            ("device 0:0", { $0.add("d", type: "3") }),
        ]
        for (name, build) in evil {
            try await withStore { store, folder in
                await #expect(throws: AgentError.self, "\(name)") {
                    _ = try await load(store, folder, TarBuilder.image(layers: [layer(build)]))
                }
                #expect(!Files.exists(folder + "/escaped"), "\(name)")
                let isLeftEmpty = try isEmpty(store)
                #expect(isLeftEmpty, "\(name)")
            }
        }
        try await withStore { store, folder in
            // A symbolic link to the outside is kept as it is, and what is written through it stays inside.
            let layer = layer { tar in
                tar.add("out", type: "2", link: folder)
                tar.add("up", type: "2", link: "../../../../../../..")
                tar.add("up/planted", text: "x")
                tar.add(".\(folder)/", type: "5", mode: 0o755)
                tar.add("out/planted", text: "x")
            }
            _ = try await load(store, folder, TarBuilder.image(layers: [layer]))
            #expect(!Files.exists(folder + "/planted"))
            #expect(!Files.exists("/planted"))
            #expect(Files.exists(root(store, layer) + "/planted"))
            #expect(Files.exists(root(store, layer) + folder + "/planted"))
        }
    }

    @Test("damaged archives: a clear error, nothing left")
    func damage() async throws {
        let layer = layer { $0.add("file", content: [UInt8](repeating: 7, count: 4096)) }
        let sound = TarBuilder.image(layers: [layer])
        var noManifest = TarBuilder()
        noManifest.add("something", text: "else")
        var badManifest = TarBuilder()
        badManifest.add("manifest.json", text: "[{]")
        let cases: [(String, [UInt8])] = [
            ("empty", []), ("garbage", (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31) }),
            ("truncated", Array(sound.prefix(sound.count / 2))), ("no manifest", noManifest.finished),
            ("bad manifest", badManifest.finished),
            ("wrong diff id", TarBuilder.image(layers: [layer], diffIDs: [String(repeating: "a", count: 64)])),
            ("fewer layers", TarBuilder.image(layers: [], diffIDs: [String(repeating: "a", count: 64)])),
            ("another system", TarBuilder.image(layers: [layer], os: "windows")),
            ("bad tag", TarBuilder.image(layers: [layer], tags: ["Bad Tag"])),
            ("a layer that is no tar", TarBuilder.image(layers: [Array("not a tar at all".utf8)])),
        ]
        for (name, bytes) in cases {
            try await withStore { store, folder in
                await #expect(throws: AgentError.self, "\(name)") { _ = try await load(store, folder, bytes) }
                #expect(await store.list().isEmpty, "\(name)")
                let left = try Files.list(store.content.incoming) + Files.list(store.layers.directory + "/incoming")
                #expect(left.isEmpty, "\(name)")
            }
        }
    }

    @Test("bytes flipped anywhere are refused or harmless, never a crash")
    func mutations() async throws {
        let layer = layer { tar in
            tar.add("dir/", type: "5", mode: 0o755)
            tar.add("dir/file", text: "content")
            tar.add("dir/link", type: "2", link: "file")
        }
        let sound = TarBuilder.image(layers: [layer])
        try await withStore { store, folder in
            var random: UInt64 = 42
            for _ in 0..<150 {
                var bytes = sound
                for _ in 0..<3 {
                    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    bytes[Int(random >> 33) % bytes.count] = UInt8(truncatingIfNeeded: random >> 20)
                }
                _ = try? await load(store, folder, bytes)
            }
            let left = try Files.list(store.content.incoming) + Files.list(store.layers.directory + "/incoming")
            #expect(left.isEmpty)
        }
    }

    @Test("an archive that unpacks to too much is cut off")
    func bomb() async throws {
        var limits = ImageStore.Limits()
        limits.bytes = 100_000
        try await withStore(limits: limits) { store, folder in
            let layer = layer { $0.add("zeros", content: [UInt8](repeating: 0, count: 300_000)) }
            let error = await #expect(throws: AgentError.self) {
                _ = try await load(store, folder, TarBuilder.image(layers: [layer]))
            }
            #expect(error?.code == .tooLarge)
            let isLeftEmpty = try isEmpty(store)
            #expect(isLeftEmpty)
        }
    }

    @Test("names: tags move, short ids are found, the last name takes the image with it")
    func names() async throws {
        try await withStore { store, folder in
            let layer = layer { $0.add("file", text: "x") }
            let image = try await load(store, folder, TarBuilder.image(layers: [layer], tags: ["made:1", "made:2"]))[0]
            #expect(try await store.image(named: "made:2").id == image.id)
            #expect(try await store.image(named: "docker.io/library/made:1").id == image.id)
            #expect(try await store.image(named: String(image.id.hex.prefix(12))).id == image.id)
            #expect(try await store.image(named: image.id.description).id == image.id)
            await #expect(throws: AgentError.self) { _ = try await store.image(named: "made") }
            try await store.tag("made:1", as: ImageReference("made"))
            #expect(try await store.image(named: "made").tags == ["made:1", "made:2", "made:latest"])
            let first = try await store.remove("made:1", force: false) { _ in ["user"] }
            #expect(first == .init(untagged: ["made:1"], deleted: []))
            await #expect(throws: AgentError.self) {
                _ = try await store.remove(String(image.id.hex.prefix(8)), force: false) { _ in [] }
            }
            _ = try await store.remove("made:2", force: false) { _ in [] }
            let error = await #expect(throws: AgentError.self) {
                _ = try await store.remove("made", force: true) { _ in ["abcdef0123456789"] }
            }
            #expect(error?.code == .conflict)
            let last = try await store.remove("made", force: false) { _ in [] }
            #expect(last.deleted.count == 2)
            #expect(await store.list().isEmpty)
            #expect(try isEmpty(store))
            #expect(!store.layers.contains(image.layers[0]))
        }
    }

    @Test("a root file system becomes an image, changed as asked")
    func imports() async throws {
        try await withStore { store, folder in
            let path = folder + "/root.tar"
            try Files.write(path, layer { $0.add("bin/sh", text: "shell") })
            let image = try await store.importRootFileSystem(
                path, reference: ImageReference("mine"),
                changes: [
                    "CMD [\"sh\", \"-c\", \"true\"]", "ENV A=1 B=\"two words\"", "LABEL by me", "EXPOSE 80 53/udp",
                    "WORKDIR /work", "USER www", "STOPSIGNAL INT", "ENTRYPOINT run it",
                ], message: "made")
            #expect(image.tags == ["mine:latest"])
            let execution = try #require(image.configuration.execution)
            #expect(execution.command == ["sh", "-c", "true"])
            #expect(execution.entrypoint == ["/bin/sh", "-c", "run it"])
            #expect(execution.environment == ["A=1", "B=two words"])
            #expect(execution.labels == ["by": "me"])
            #expect(execution.exposedPorts?.keys.sorted() == ["53/udp", "80/tcp"])
            #expect(execution.stopSignal == "INT")
            await #expect(throws: AgentError.self) {
                _ = try await store.importRootFileSystem(path, reference: nil, changes: ["RUN rm"])
            }
        }
    }
}

struct ImageReferenceTests {
    @Test(
        arguments: [
            ("busybox", "docker.io", "library/busybox", nil, "busybox"),
            ("bb:1", "docker.io", "library/bb", "1", "bb:1"),
            ("docker.io/library/bb:1", "docker.io", "library/bb", "1", "bb:1"),
            ("index.docker.io/a/b", "docker.io", "a/b", nil, "a/b"),
            ("localhost:5000/x/y:tag", "localhost:5000", "x/y", "tag", "localhost:5000/x/y:tag"),
            ("ghcr.io/o/r_e__p-o--x.y:v1.2-3_4", "ghcr.io", "o/r_e__p-o--x.y", "v1.2-3_4", nil),
        ] as [(String, String, String, String?, String?)])
    func parses(_ text: String, _ domain: String, _ path: String, _ tag: String?, _ shown: String?) throws {
        let reference = try ImageReference(text)
        #expect(reference.domain == domain)
        #expect(reference.path == path)
        #expect(reference.tag == tag)
        if let shown { #expect(reference.description == shown) }
    }

    @Test(arguments: [
        "", ":1", "UPPER", "a//b", "-a", "a-", "a..b", "a___b", "a:", "a:b c", "a@sha256:12", "a:1@md5:00",
        "a:" + String(repeating: "x", count: 129),
        String(repeating: "a", count: 300), "ho_st.x/a", "host:99999/a",
    ])
    func refuses(_ text: String) {
        #expect(throws: AgentError.self) { _ = try ImageReference(text) }
    }
}
