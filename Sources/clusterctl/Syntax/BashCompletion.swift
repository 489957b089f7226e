/// A completion script for bash, with every noun, verb and option in it.
enum BashCompletion {
    static func script(_ syntaxes: [Syntax]) -> String {
        let first = unique(syntaxes.map { $0.path[0] })
        let globals = Syntax.globals.map { "--" + $0.name }
        var nouns = ""
        var commands = ""
        for noun in first {
            let verbs = syntaxes.filter { $0.path.count > 1 && $0.path[0] == noun }.map { $0.path[1] }
            if !verbs.isEmpty { nouns += "        \(noun)) words='\(verbs.joined(separator: " "))' ;;\n" }
        }
        for syntax in syntaxes {
            let options = syntax.options.map { "--" + $0.name } + globals
            commands +=
                "        '\(syntax.path.joined(separator: " "))') words='\(options.joined(separator: " "))' ;;\n"
        }
        return """
            # Completion of clusterctl for bash: source <(clusterctl completion bash)
            _clusterctl() {
                local word=${COMP_WORDS[COMP_CWORD]} words='' noun='' verb='' index=1 part
                COMPREPLY=()
                while [ $index -lt $COMP_CWORD ]; do
                    part=${COMP_WORDS[index]}
                    case $part in
                    --host|--format|-H) index=$((index + 1)) ;;
                    -*) ;;
                    *) if [ -z "$noun" ]; then noun=$part; elif [ -z "$verb" ]; then verb=$part; fi ;;
                    esac
                    index=$((index + 1))
                done
                case $word in
                -*)
                    case "$noun${verb:+ $verb}" in
            \(commands)        *) words='\(globals.joined(separator: " "))' ;;
                    esac ;;
                *)
                    if [ -z "$noun" ]; then words='\(first.joined(separator: " "))'
                    elif [ -z "$verb" ]; then case $noun in
            \(nouns)        esac; fi ;;
                esac
                if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$word"))
                else COMPREPLY=($(compgen -f -- "$word")); fi
            }
            complete -F _clusterctl clusterctl

            """
    }

    private static func unique(_ words: [String]) -> [String] {
        var seen: Set<String> = []
        return words.filter { seen.insert($0).inserted }
    }
}
