internal import Glibc

extension Metrics {
    /// Adds what Prometheus's own clients tell of a process: memory, processor time, descriptors, start.
    public func addProcess() {
        let start = WallClock.now()
        let page = Double(sysconf(Int32(_SC_PAGESIZE)))
        read("process_start_time_seconds", "Start of the process, in seconds since 1970.") {
            Double(start.seconds) + Double(start.nanoseconds) / 1e9
        }
        read("process_resident_memory_bytes", "Resident memory in bytes.") {
            Self.residentPages() * page
        }
        read("process_open_fds", "Open file descriptors.") {
            Double((try? Files.list("/proc/self/fd").count - 1) ?? 0)
        }
        read("process_cpu_seconds_total", "Processor time in seconds, user and system.", isCounter: true) {
            var usage = rusage()
            getrusage(RUSAGE_SELF.rawValue, &usage)
            return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
        }
    }

    private static func residentPages() -> Double {
        guard let text = try? Files.readText("/proc/self/statm", limit: 4096) else { return 0 }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? Double(fields[1]) ?? 0 : 0
    }
}
