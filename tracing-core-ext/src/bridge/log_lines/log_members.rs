//! Members of a JSON line that the crate `tracing-log` adds to an event.

/// Fields of an event that was a record of the crate `log`. The line has their values in other members.
const FIELDS: [&str; 4] = ["log.target", "log.module_path", "log.file", "log.line"];

/// Returns a JSON line without the first member of each of these names. The first member belongs to the event, because
/// members of the event precede those of spans.
///
/// A string cannot contain `,"log.file":`, because quotes are escaped in it.
pub(super) fn remove(mut line: String) -> String {
    for field in FIELDS {
        let member = format!(",\"{field}\":");
        if let Some(start) = line.find(&member) {
            let value = start + member.len();
            let end = value + value_length(&line[value..]);
            line.replace_range(start..end, "");
        }
    }
    line
}

/// Returns the length of the string, number or `null` at the start of `text`.
fn value_length(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate();
    if !text.starts_with('"') {
        return text.find([',', '}']).unwrap_or(text.len());
    }
    bytes.next();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_the_event_are_removed_and_nothing_else() {
        let strings =
            r#""log.target":"a\"},b","log.module_path":"m\\","log.file":"f","log.line":7"#;
        let quoted = r#"\",\"log.file\":\"x"#;
        let line = format!(
            r#"{{"fields":{{"message":"{quoted}",{strings}}},"span":{{"a":1,"log.file":"kept"}}}}"#
        );
        let expected =
            format!(r#"{{"fields":{{"message":"{quoted}"}},"span":{{"a":1,"log.file":"kept"}}}}"#);
        assert_eq!(remove(line), expected);
        let absent = r#"{"fields":{"message":"a","log.target":null}}"#;
        assert_eq!(remove(absent.to_owned()), r#"{"fields":{"message":"a"}}"#);
    }
}
