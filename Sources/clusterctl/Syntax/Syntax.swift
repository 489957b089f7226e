/// What a command accepts, said once: the parser, the help texts and the shell completion all read it.
struct Syntax: Sendable {
    /// The words that name it: a noun and a verb, or a single word.
    var path: [String]
    /// One line for the list of verbs.
    var summary: String
    var positionals: [Positional] = []
    var options: [Option] = []
    /// What comes behind `--`, untouched: `COMMAND ARG...`; nil where nothing may.
    var trailing: String?
    /// Further paragraphs of the help text.
    var notes: [String] = []

    /// What every command accepts.
    static let globals: [Option] = [
        .value("host", short: "H", "HOST", "the daemon to ask: unix://PATH or tcp://IP:PORT ($CLUSTER_HOST)"),
        .value("context", "NAME", "the cluster of that name ($CLUSTER_CONTEXT); see 'clusterctl context'"),
        .value("tls", "DIR", "for tcp: the folder with ca.pem, cert.pem and key.pem ($CLUSTER_CERT_PATH)"),
        .value("tls-ca", "FILE", "in place of DIR/ca.pem: whose certificate the daemon must have"),
        .value("tls-cert", "FILE", "in place of DIR/cert.pem: one's own"),
        .value("tls-key", "FILE", "in place of DIR/key.pem: its key"),
        .value("format", "FORMAT", "table, json, or a template such as '{{.ID}} {{.Name}}'"),
        .flag("help", short: "h", "show this help"),
    ]

    /// An argument told by its place.
    struct Positional: Sendable {
        enum Arity: Sendable { case one, optional, many, any }

        var name: String
        var help: String
        var arity = Arity.one

        init(_ name: String, _ help: String, _ arity: Arity = .one) {
            self.name = name
            self.help = help
            self.arity = arity
        }
    }

    /// An argument told by its name: a flag without placeholder, else a value.
    struct Option: Sendable {
        var name: String
        var short: Character?
        var placeholder: String?
        var help: String
        var isRepeated = false
        var isRequired = false

        static func flag(_ name: String, short: Character? = nil, _ help: String) -> Option {
            Option(name: name, short: short, placeholder: nil, help: help)
        }

        static func value(_ name: String, short: Character? = nil, _ placeholder: String, _ help: String) -> Option {
            Option(name: name, short: short, placeholder: placeholder, help: help)
        }

        static func required(_ name: String, short: Character? = nil, _ placeholder: String, _ help: String) -> Option {
            Option(name: name, short: short, placeholder: placeholder, help: help, isRequired: true)
        }

        static func repeated(_ name: String, short: Character? = nil, _ placeholder: String, _ help: String) -> Option {
            Option(name: name, short: short, placeholder: placeholder, help: help, isRepeated: true)
        }
    }
}
