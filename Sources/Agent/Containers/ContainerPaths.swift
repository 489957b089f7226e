/// Where the parts of one container are.
struct ContainerPaths: Sendable {
    /// On disk: outlives a reboot. It is the OCI bundle.
    let bundle: String
    /// The merged root file system.
    let root: String
    let upper: String
    let work: String
    let hosts: String
    let hostname: String
    let resolver: String
    let log: String
    /// conmon's control fifo.
    let control: String
    /// In the run directory: gone after a reboot.
    let pidFile: String
    let monitorPidFile: String
    let exitFile: String
    let persistDirectory: String
    /// Where the tmpfs of its secrets and configs is mounted.
    let files: String
    /// conmon's link to the bundle, where its socket for attaching is.
    let attachLink: String

    init(id: String, directories: ContainerDirectories) {
        bundle = "\(directories.containers)/\(id)"
        root = bundle + "/root"
        upper = bundle + "/upper"
        work = bundle + "/work"
        hosts = bundle + "/hosts"
        hostname = bundle + "/hostname"
        resolver = bundle + "/resolv.conf"
        log = bundle + "/log"
        control = bundle + "/ctl"
        pidFile = "\(directories.pids)/\(id).pid"
        monitorPidFile = "\(directories.pids)/\(id).monitor"
        exitFile = "\(directories.exits)/\(id)"
        persistDirectory = "\(directories.persist)/\(id)"
        files = "\(directories.files)/\(id)"
        attachLink = "\(directories.sockets)/\(id)"
    }
}

/// The folders that all containers of a node share.
struct ContainerDirectories: Sendable {
    let containers: String
    let runtimeRoot: String
    let exits: String
    let persist: String
    let sockets: String
    let pids: String
    let files: String

    init(data: String, run: String) {
        containers = data + "/containers"
        runtimeRoot = run + "/runtime"
        exits = run + "/exits"
        persist = run + "/persist"
        sockets = run + "/attach"
        pids = run + "/pids"
        files = run + "/files"
    }

    var all: [String] { [containers, runtimeRoot, exits, persist, sockets, pids, files] }
}
