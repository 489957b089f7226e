import Platform
import Testing

@Suite struct MetricsTests {
    @Test func writesPrometheusText() {
        let metrics = Metrics()
        let requests = metrics.counter(
            "requests_total", "Requests.\nAll of them.", labels: ["path": "/a\"b\\", "code": "200"])
        requests.increment()
        requests.increment(by: 2)
        metrics.counter("requests_total", "", labels: ["code": "200", "path": "/a\"b\\"]).increment()
        let peers = metrics.gauge("peers", "Peers.")
        peers.set(2.5)
        peers.increment()
        let latency = metrics.histogram("latency_seconds", "Latency.", labels: ["op": "get"], buckets: [0.1, 1])
        for value in [0.05, 0.1, 0.5, 7] { latency.observe(value) }
        metrics.read("up", "Is it.") { .infinity }
        #expect(
            metrics.render() == """
                # HELP latency_seconds Latency.
                # TYPE latency_seconds histogram
                latency_seconds_bucket{op="get",le="0.1"} 2
                latency_seconds_bucket{op="get",le="1"} 3
                latency_seconds_bucket{op="get",le="+Inf"} 4
                latency_seconds_sum{op="get"} 7.65
                latency_seconds_count{op="get"} 4
                # HELP peers Peers.
                # TYPE peers gauge
                peers 3.5
                # HELP requests_total Requests.\\nAll of them.
                # TYPE requests_total counter
                requests_total{code="200",path="/a\\"b\\\\"} 4
                # HELP up Is it.
                # TYPE up gauge
                up +Inf

                """)
        metrics.remove("up", labels: [:])
        #expect(!metrics.render().contains("up +Inf"))
    }

    @Test func countsFromManyThreads() async {
        let metrics = Metrics()
        let counter = metrics.counter("c_total", "")
        let gauge = metrics.gauge("g", "")
        let histogram = metrics.histogram("h", "")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 {
                        counter.increment()
                        gauge.add(0.5)
                        histogram.observe(.milliseconds(3))
                    }
                }
            }
        }
        #expect(counter.value == 80_000)
        #expect(gauge.value == 40_000)
        #expect(histogram.count == 80_000)
    }

    @Test func seriesAreBounded() {
        let metrics = Metrics()
        for number in 0...Metrics.seriesLimit {
            metrics.counter("many_total", "", labels: ["n": "\(number)"]).increment()
        }
        #expect(metrics.render().split(separator: "\n").count == Metrics.seriesLimit + 2)
    }

    @Test func tellsOfTheProcess() throws {
        let metrics = Metrics()
        metrics.addProcess()
        let memory = try #require(metrics.render().firstMatch(of: /process_resident_memory_bytes (\d+)/))
        #expect(Int(memory.1) ?? 0 > 1 << 20)
    }

    @Test func aPhaseCountsAlsoWhatFails() async {
        struct Wrong: Error {}
        func count() -> Int {
            Metrics.shared.render().split(separator: "\n").first {
                $0.hasPrefix("martlet_phase_seconds_count{phase=\"name\"}")
            }
            .flatMap { $0.split(separator: " ").last.flatMap { Int($0) } } ?? 0
        }
        let before = count()
        #expect(Phase.name.measure { 7 } == 7)
        #expect(throws: Wrong.self) { try Phase.name.measure { throw Wrong() } }
        await #expect(throws: Wrong.self) { try await Phase.name.measure { () async throws in throw Wrong() } }
        #expect(count() == before + 3)
    }
}
