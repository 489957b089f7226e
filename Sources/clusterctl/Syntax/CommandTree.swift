/// Every command, in the order the help shows them.
enum CommandTree {
    static let commands: [any Command.Type] = [
        Init.self, Join.self, Leave.self, Unlock.self, Status.self, Version.self, Completion.self,
        ServiceDeploy.self, ServiceList.self, ServiceTasks.self, ServiceInspect.self, ServiceScale.self,
        ServiceUpdate.self, ServiceRollback.self, ServiceLogs.self, ServiceRemove.self,
        TaskList.self, TaskInspect.self, TaskLogs.self,
        NodeList.self, NodeInspect.self, NodeUpdate.self, NodeDrain.self, NodeActivate.self, NodePause.self,
        NodePromote.self, NodeDemote.self, NodeRemove.self,
        NetworkCreate.self, NetworkList.self, NetworkInspect.self, NetworkRemove.self,
        SecretCreate.self, SecretList.self, SecretInspect.self, SecretUpdate.self, SecretRemove.self,
        ConfigCreate.self, ConfigList.self, ConfigInspect.self, ConfigUpdate.self, ConfigRemove.self,
        ImageLoad.self, ImageImport.self, ImageList.self, ImageTag.self, ImageRemove.self,
        ContainerList.self, ContainerLogs.self, ContainerInspect.self,
        KeyValueGet.self, KeyValuePut.self, KeyValueList.self, KeyValueRemove.self, KeyValueWatch.self,
        KeyValueTransaction.self, KeyValueCompact.self,
        ManagerList.self, ManagerAdd.self, ManagerRemove.self, ManagerTransfer.self, ManagerToken.self, ManagerCA.self,
        ManagerClientCertificate.self, ManagerBackup.self, ManagerRestore.self,
        ManagerAutolock.self, ManagerUnlockKey.self, ManagerDataKey.self,
        TokenCreate.self, TokenList.self, TokenRemove.self,
        ContextCreate.self, ContextUse.self, ContextList.self, ContextRemove.self,
    ]

    static var syntaxes: [Syntax] { commands.map { $0.syntax } }

    /// What a command line asks for.
    enum Resolution {
        case run(any Command.Type, [String])
        case help(String)
    }

    /// Finds the command; options that every command has may stand before it.
    static func resolve(_ words: [String]) throws(UsageError) -> Resolution {
        var rest = words[...]
        var leading: [String] = []
        while let word = rest.first, word.hasPrefix("-"), word != "--" {
            rest.removeFirst()
            leading.append(word)
            let name = word.prefix { $0 != "=" }
            let option = Syntax.globals.first { name == "--" + $0.name || $0.short.map { name == "-\($0)" } == true }
            if option?.name == "help" { return .help(try help(Array(rest))) }
            // Told at once: taken for a flag, its value would be taken for a command.
            guard option != nil else { throw unknownOption(String(name)) }
            if name == word, let value = rest.popFirst() { leading.append(value) }
        }
        guard let noun = rest.popFirst() else {
            return .help(HelpText.overview(syntaxes))
        }
        if noun == "help" { return .help(try help(Array(rest))) }
        if let command = command([noun]) { return .run(command, leading + rest) }
        let verbs = syntaxes.filter { $0.path.count > 1 && $0.path[0] == noun }.map { $0.path[1] }
        guard !verbs.isEmpty else { throw unknown(noun, among: Set(syntaxes.map { $0.path[0] }).sorted(), path: []) }
        guard let verb = rest.popFirst(), verb != "--help", verb != "-h" else {
            return .help(HelpText.noun(noun, syntaxes))
        }
        guard let command = command([noun, verb]) else { throw unknown(verb, among: verbs, path: [noun]) }
        return .run(command, leading + rest)
    }

    private static func command(_ path: [String]) -> (any Command.Type)? { commands.first { $0.syntax.path == path } }

    private static func help(_ path: [String]) throws(UsageError) -> String {
        let path = Array(path.prefix(2).filter { !$0.hasPrefix("-") })
        guard let noun = path.first else { return HelpText.overview(syntaxes) }
        for length in [path.count, 1] {
            if let command = command(Array(path.prefix(length))) { return HelpText.command(command.syntax) }
        }
        guard syntaxes.contains(where: { $0.path[0] == noun }) else {
            throw unknown(noun, among: Set(syntaxes.map { $0.path[0] }).sorted(), path: [])
        }
        return HelpText.noun(noun, syntaxes)
    }

    private static func unknownOption(_ spelled: String) -> UsageError {
        let near = Suggestion.nearest(to: spelled, among: Syntax.globals.map { "--" + $0.name })
        let place = "; a command's own options go behind it"
        return UsageError("unknown option \(spelled)" + (near.map { "; did you mean \($0)?" } ?? place))
    }

    private static func unknown(_ word: String, among words: [String], path: [String]) -> UsageError {
        let near = Suggestion.nearest(to: word, among: words).map { "; did you mean '\($0)'?" } ?? ""
        return UsageError(
            "'\((["clusterctl"] + path + [word]).joined(separator: " "))' is no command\(near)", path: path)
    }
}
