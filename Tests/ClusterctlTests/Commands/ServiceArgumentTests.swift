import Model
import Testing

@testable import clusterctl

@Suite struct ServiceArgumentTests {
    @Test func ports() throws {
        #expect(try PortArgument.parse("8080:80") == [PortConfig(targetPort: 80, publishedPort: 8080)])
        #expect(try PortArgument.parse("80") == [PortConfig(targetPort: 80)])
        #expect(try PortArgument.parse("53:53/udp") == [PortConfig(transport: .udp, targetPort: 53, publishedPort: 53)])
        #expect(try PortArgument.parse("8000-8001:80-81").map(\.publishedPort) == [8000, 8001])
        #expect(
            try PortArgument.parse("mode=host,target=80,published=8080,protocol=tcp") == [
                PortConfig(targetPort: 80, publishedPort: 8080, publishMode: .host)
            ])
    }

    @Test(arguments: [
        "", "x", "0:80", "80:65536", "1:2:3", "127.0.0.1:80:80", "80/icmp", "8000-8002:80-81", "90-80", "target=x",
        "mode=host",
        "target=80,mode=other", "target=80,colour=red", "target=80,published", "1-2-3:4",
    ])
    func wrongPorts(_ text: String) {
        #expect(throws: UsageError.self) { try PortArgument.parse(text) }
    }

    @Test func mounts() throws {
        #expect(try MountArgument.parse("/a:/b:ro") == Mount(type: .bind, source: "/a", target: "/b", readOnly: true))
        #expect(
            try MountArgument.parse("type=bind,src=/a,dst=/b,readonly")
                == Mount(type: .bind, source: "/a", target: "/b", readOnly: true))
        #expect(try MountArgument.parse("type=tmpfs,target=/t") == Mount(type: .tmpfs, target: "/t"))
        let sized = try MountArgument.parse("type=tmpfs,target=/t,tmpfs-size=1M")
        #expect(sized.tmpfsOptions == Mount.TmpfsOptions(sizeBytes: 1 << 20))
    }

    @Test(arguments: [
        "", "/a", "/a:b", "/a:/b:rx", "type=npipe,target=/a", "data:/b", "/a:/b,tmpfs-size=1",
        "type=volume,source=x,target=/a", "type=bind,target=/a", "type=tmpfs,source=/x,target=/a",
        "source=/a",
        "type=bind,source=a,target=/b", "target=/a,what=ever",
    ])
    func wrongMounts(_ text: String) {
        #expect(throws: UsageError.self) { try MountArgument.parse(text) }
    }

    @Test func networks() throws {
        #expect(try NetworkArgument.parse("app") == NetworkAttachmentConfig(target: "app"))
        #expect(
            try NetworkArgument.parse("name=app,alias=a,alias=b")
                == NetworkAttachmentConfig(target: "app", aliases: ["a", "b"]))
        #expect(throws: UsageError.self) { try NetworkArgument.parse("alias=a") }
        #expect(throws: UsageError.self) { try NetworkArgument.parse("name=a,colour=red") }
    }

    @Test func images() throws {
        #expect(try ImageReference("web") == ImageReference("web:latest"))
        #expect(try ImageReference("host:5000/team/web").repository == "host:5000/team/web")
        #expect(try ImageReference("host:5000/team/web:1.2").tag == "1.2")
        for text in ["", "a b", "a@sha256:0", ":x", "a:"] {
            #expect(throws: UsageError.self) { try ImageReference(text) }
        }
    }

    @Test func secretsAndConfigs() throws {
        let plain = try FileArgument.parse("db", .secret)
        #expect(plain.secretName == "db" && plain.secretID == nil && plain.path == "/run/secrets/db")
        #expect(try FileArgument.parse("db:pw", .secret).path == "/run/secrets/pw")
        #expect(try FileArgument.parse("nginx:/etc/nginx.conf", .config).path == "/etc/nginx.conf")
        let long = try FileArgument.parse("src=db,target=/etc/pw,uid=1000,gid=7,mode=0400", .secret)
        #expect(long.file == FileReference.File(name: "/etc/pw", uid: "1000", gid: "7", mode: 0o400))
        #expect(try FileArgument.parse("source=c", .config).path == "/c")
    }

    @Test(arguments: [
        "", ":", "a:", ":b", "a:b:c", "target=x", "src=a,mode=9", "src=a,mode=7777", "src=a,uid=root", "src=a,gid=-1",
        "src=a,colour=red", "src=",
    ])
    func wrongSecrets(_ text: String) {
        #expect(throws: UsageError.self) { try FileArgument.parse(text, .secret) }
    }
}
