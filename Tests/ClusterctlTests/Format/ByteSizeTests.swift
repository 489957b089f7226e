import Testing

@testable import clusterctl

@Suite struct ByteSizeTests {
    @Test(
        arguments: [
            ("0", 0), ("1024", 1024), ("512M", 512 << 20), ("2 GB", 2 << 30), ("1.5GiB", 3 << 29), ("4k", 4096),
            ("1b", 1),
            ("1T", 1 << 40),
        ] as [(String, Int64)])
    func parses(_ text: String, _ bytes: Int64) { #expect(ByteSize.parse(text) == bytes) }

    @Test(arguments: ["", "M", "5X", "-1M", "1..2M", "99999999P", "1 2", "5 lots"])
    func refuses(_ text: String) { #expect(ByteSize.parse(text) == nil) }

    @Test(
        arguments: [
            (0, "0B"), (999, "999B"), (1000, "1kB"), (4_261_550, "4.262MB"), (42_600_000, "42.6MB"),
            (1_234_567_890, "1.235GB"),
        ] as [(Int64, String)])
    func printsLikeDocker(_ bytes: Int64, _ text: String) { #expect(ByteSize.decimal(bytes) == text) }

    @Test func printsBinary() {
        #expect(ByteSize.binary(512 << 20) == "512MiB")
        #expect(ByteSize.binary(3 << 29) == "1.5GiB")
    }
}
