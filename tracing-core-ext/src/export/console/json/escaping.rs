use std::io;

use serde_json::ser::Formatter;

use crate::base::text::unprintable::is_unprintable;

/// Escapes the characters that serde_json leaves as they are, but that a terminal may interpret.
pub(super) struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_unprintable) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut after = rest[at..].chars();
            if let Some(found) = after.next() {
                write_escaped(writer, found)?;
            }
            rest = after.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

fn write_escaped<W: ?Sized + io::Write>(writer: &mut W, character: char) -> io::Result<()> {
    let mut units = [0; 2];
    character.encode_utf16(&mut units).iter().try_for_each(|unit| write!(writer, "\\u{unit:04x}"))
}
