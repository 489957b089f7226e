import Platform
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct CgroupsTests {
    @Test func readsLayouts() {
        let v2 = Cgroups(mountinfo: "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n")
        #expect(v2.layout == .v2)
        #expect(v2.folders(of: "a/b", controllers: ["memory"]) == ["/sys/fs/cgroup/a/b"])
        let v1 = """
            31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
            36 31 0:33 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
            """
        #expect(Cgroups(mountinfo: v1).layout == .v1)
        #expect(
            Cgroups(mountinfo: v1).folders(of: "/g", controllers: ["cpu", "cpuacct", "pids", "rdma"])
                == ["/sys/fs/cgroup/cpu,cpuacct/g", "/sys/fs/cgroup/pids/g"])
        #expect(Cgroups(mountinfo: v1).folders(of: "g") == ["/sys/fs/cgroup/pids/g"])
        let hybrid = v1 + "\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        #expect(Cgroups(mountinfo: hybrid).layout == .hybrid)
        for garbage in ["", "- - -", "1 2 3 4 5 6 7", "a b c d e - cgroup", "\n\n - "] {
            #expect(Cgroups(mountinfo: garbage).layout == .none)
        }
    }

    @Test(.enabled(if: Probe.isRoot && Cgroups.layout != .none)) func aChildIsBornInItsGroup() async throws {
        let loop = try EventLoop(name: "test-cgroup")
        defer { loop.stop() }
        let group = "/martlet-test-\(Identifier.randomHex(bytes: 4))"
        var command = ChildProcess.Command("sleep", ["30"])
        command.cgroupFiles = try Cgroups.system.create(group)
        #expect(!command.cgroupFiles.isEmpty)
        let child = try ChildProcess.spawn(command, loop: loop)
        #expect(Cgroups.system.processes(in: group) == [child.pid])
        #expect(throws: SystemError.self) { try Cgroups.system.remove(group) }
        try child.signal(9)
        _ = await child.wait()
        try await eventually { (try? Cgroups.system.remove(group)) != nil }
        try Cgroups.system.remove(group)
    }
}
