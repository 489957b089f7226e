import CYAML

/// The events of a text, read by libyaml.
struct YAMLEventSource: ~Copyable {
    enum Event {
        case documentStart
        case documentEnd
        case streamEnd
        case alias(anchor: String)
        case scalar(text: String, anchor: String?, tag: String?, isPlain: Bool)
        case sequenceStart(anchor: String?, tag: String?)
        case sequenceEnd
        case mappingStart(anchor: String?, tag: String?)
        case mappingEnd
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    /// libyaml reads from here until the end.
    private let text: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8]) {
        parser = .allocate(capacity: 1)
        text = .allocate(capacity: max(1, bytes.count))
        _ = text.initialize(from: bytes)
        // It fails only where memory has run out.
        precondition(yaml_parser_initialize(parser) == 1, "yaml_parser_initialize")
        yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        text.deallocate()
    }

    /// The next event and where it begins; the beginning of the stream is passed over.
    mutating func next() throws(YAMLError) -> (Event, YAMLMark) {
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
            defer { yaml_event_delete(&event) }
            let mark = YAMLMark(event.start_mark)
            switch event.type {
            case YAML_STREAM_START_EVENT: continue
            case YAML_DOCUMENT_START_EVENT: return (.documentStart, mark)
            case YAML_DOCUMENT_END_EVENT: return (.documentEnd, mark)
            case YAML_ALIAS_EVENT:
                return (.alias(anchor: string(event.data.alias.anchor) ?? ""), mark)
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
                return (
                    .scalar(
                        text: String(decoding: bytes, as: UTF8.self), anchor: string(scalar.anchor),
                        tag: string(scalar.tag), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), mark
                )
            case YAML_SEQUENCE_START_EVENT:
                let sequence = event.data.sequence_start
                return (.sequenceStart(anchor: string(sequence.anchor), tag: string(sequence.tag)), mark)
            case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, mark)
            case YAML_MAPPING_START_EVENT:
                let mapping = event.data.mapping_start
                return (.mappingStart(anchor: string(mapping.anchor), tag: string(mapping.tag)), mark)
            case YAML_MAPPING_END_EVENT: return (.mappingEnd, mark)
            default: return (.streamEnd, mark)
            }
        }
    }

    private func failure() -> YAMLError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "cannot be read"
        let context = parser.pointee.context.map { "\(String(cString: $0)): " } ?? ""
        return YAMLError(.syntax, context + problem, at: YAMLMark(parser.pointee.problem_mark))
    }

    private func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }
}

extension YAMLMark {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }
}
