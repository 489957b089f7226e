import Testing

@Suite struct FloorsTests {
    @Test func importsPointDown() {
        var wrong: [String] = []
        for file in Repository.sources where file.path.hasSuffix(".swift") {
            guard let own = Floors.level(of: file.floor) else {
                wrong.append("\(file.path): \(file.floor) is no floor of Floors.levels")
                continue
            }
            for (module, line) in file.imports where !Floors.toolchain.contains(module) {
                if let level = Floors.level(of: module) {
                    if level >= own {
                        wrong.append("\(file.path):\(line): \(file.floor) imports \(module), not below it")
                    }
                } else {
                    wrong.append(
                        "\(file.path):\(line): imports \(module), which is neither a floor nor the toolchain's")
                }
            }
        }
        expectNone(wrong)
    }

    @Test func packageNamesOnlyFloorsBelow() throws {
        let declared = Floors.declared(in: try Repository.text("Package.swift"))
        #expect(declared.count == Floors.levels.dropFirst().joined().count)
        var wrong: [String] = []
        for (target, below) in declared {
            let own = Floors.level(of: target) ?? -1
            for module in below where (Floors.level(of: module) ?? .max) >= own {
                wrong.append("Package.swift: \(target) names \(module), which is not below it")
            }
        }
        expectNone(wrong)
    }

    @Test func sourcesImportWhatPackageNames() throws {
        let declared = Dictionary(uniqueKeysWithValues: Floors.declared(in: try Repository.text("Package.swift")))
        var wrong: [String] = []
        for file in Repository.sources {
            for (module, line) in file.imports where Floors.level(of: module) != nil {
                if declared[file.floor]?.contains(module) != true {
                    wrong.append("\(file.path):\(line): Package.swift does not let \(file.floor) use \(module)")
                }
            }
        }
        expectNone(wrong)
    }

    @Test func packageTakesNothingFromOutside() throws {
        let package = try Repository.text("Package.swift")
        #expect(!package.contains(".package("))
    }

    @Test func readsImports() {
        let file = SourceFile(
            path: "Sources/Raft/Core.swift",
            text: """
                public import Platform
                @preconcurrency import Foundation
                import struct Model.Service
                // import Manager
                let text = "import Agent"
                """)
        #expect(file.imports.map(\.module) == ["Platform", "Foundation", "Model"])
        #expect(file.imports.map(\.line) == [1, 2, 3])
    }
}

/// One issue that lists every offending place, since a reader wants them all at once.
func expectNone(_ wrong: [String], sourceLocation: SourceLocation = #_sourceLocation) {
    let list = Comment(rawValue: wrong.sorted().joined(separator: "\n"))
    #expect(wrong.isEmpty, list, sourceLocation: sourceLocation)
}
