import Platform

/// What this floor counts.
struct NetworkMetrics: Sendable {
    private let created: Counter
    private let removed: Counter
    private let repaired: Counter
    private let problems: Gauge
    private let sandboxes: Gauge
    private let duration: Histogram

    init(_ metrics: Metrics = .shared) {
        created = metrics.counter(
            "martlet_network_objects_created_total", "Kernel objects made because the cluster asks for them.")
        removed = metrics.counter(
            "martlet_network_objects_removed_total", "Kernel objects removed because nothing asks for them any more.")
        repaired = metrics.counter(
            "martlet_network_objects_repaired_total", "Kernel objects that were gone or changed and were mended: drift."
        )
        problems = metrics.gauge(
            "martlet_network_problems", "What the last reconciliation could not do.")
        sandboxes = metrics.gauge("martlet_network_sandboxes", "Sandboxes attached by this process.")
        duration = metrics.histogram(
            "martlet_network_reconcile_seconds", "How long it took to make the kernel hold the cluster's state.")
    }

    func record(_ report: NetworkReport, took: Duration) {
        created.increment(by: UInt64(report.created))
        removed.increment(by: UInt64(report.removed))
        repaired.increment(by: UInt64(report.repaired))
        problems.set(report.problems.count)
        duration.observe(took)
    }

    func record(sandboxes count: Int) { sandboxes.set(count) }
}
