import Testing

@testable import Compose

struct YAMLScalarTests {
    @Test(arguments: [
        ("", YAMLScalar.Value.null), ("~", .null), ("null", .null), ("NULL", .null), ("nULL", .string("nULL")),
        ("true", .boolean(true)), ("FALSE", .boolean(false)), ("yes", .string("yes")), ("on", .string("on")),
        ("0", .integer(0)), ("-17", .integer(-17)), ("+5", .integer(5)), ("0x1F", .integer(31)), ("0o17", .integer(15)),
        ("0440", .integer(0o440)), ("0890", .integer(890)), ("-010", .integer(-8)),
        ("9223372036854775807", .integer(.max)), ("9223372036854775808", .float(9_223_372_036_854_775_808)),
        ("1.5", .float(1.5)), ("1.", .float(1)), (".5", .float(0.5)), ("-1e3", .float(-1000)), ("1E+2", .float(100)),
        (".inf", .float(.infinity)), ("-.INF", .float(-.infinity)), ("22:22", .string("22:22")),
        ("8080:80", .string("8080:80")), ("1_000", .string("1_000")), ("0x", .string("0x")), ("0x-1", .string("0x-1")),
        (".", .string(".")), ("-", .string("-")), ("1e", .string("1e")), ("1.2.3", .string("1.2.3")),
        ("2024-01-01", .string("2024-01-01")), ("10.0.0.1", .string("10.0.0.1")), ("0o8", .string("0o8")),
        ("512M", .string("512M")), ("١", .string("١")),
    ])
    func plainScalarsResolve(text: String, value: YAMLScalar.Value) {
        #expect(YAMLScalar(text, isPlain: true).value == value)
    }

    @Test func notANumberIsOne() throws {
        guard case .float(let number) = YAMLScalar(".nan", isPlain: true).value else {
            Issue.record("not a float")
            return
        }
        #expect(number.isNaN)
    }

    @Test func quotedScalarsAreStrings() {
        for text in ["", "true", "5", "null", "~"] {
            #expect(YAMLScalar(text, isPlain: false).value == .string(text))
        }
    }

    @Test func tagsDecide() {
        #expect(YAMLScalar("5", tag: "tag:yaml.org,2002:str")?.value == .string("5"))
        #expect(YAMLScalar("5", tag: "tag:yaml.org,2002:float")?.value == .float(5))
        #expect(YAMLScalar("5", tag: "tag:yaml.org,2002:int")?.value == .integer(5))
        #expect(YAMLScalar("x", tag: "tag:yaml.org,2002:int") == nil)
        #expect(YAMLScalar("null", tag: "!reset")?.value == .string("null"))
    }
}
