//! Characters that control a terminal, or change how a line of text is read.

use std::fmt::{self, Write};

/// Whether this is a control character, or one that changes the direction of the text or is invisible.
pub(crate) fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// Writes text with unprintable characters escaped.
pub(crate) struct EscapingWriter<W> {
    writer: W,
    escape: Escape,
    sequence: ColorSequence,
}

/// Characters that are kept, and the form of the escaped characters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Escape {
    /// Escapes such as `\n` and `\u{9b}`: a field of a line.
    Field,
    /// Like `Field`, but line feeds remain.
    Lines,
    /// Like `Lines`, but colours remain as well.
    ColoredLines,
    /// Escapes such as `\u009b`; line feeds remain, because JSON has none within its strings.
    Json,
}

impl<W: Write> EscapingWriter<W> {
    pub(crate) fn new(writer: W, escape: Escape) -> Self {
        Self { writer, escape, sequence: ColorSequence::default() }
    }

    fn write_unprintable(&mut self, character: char) -> fmt::Result {
        let mut units = [0; 2];
        match (character, self.escape) {
            ('\n', Escape::Lines | Escape::ColoredLines | Escape::Json) => {
                self.writer.write_char('\n')
            }
            (_, Escape::Json) => {
                let mut units = character.encode_utf16(&mut units).iter();
                units.try_for_each(|unit| write!(self.writer, "\\u{unit:04x}"))
            }
            _ => write!(self.writer, "{}", character.escape_default()),
        }
    }

    fn write_colored(&mut self, character: char) -> fmt::Result {
        if self.sequence.push(character) {
            if character == 'm' {
                let sequence = std::mem::take(&mut self.sequence);
                return self.writer.write_str(sequence.as_str());
            }
            return Ok(());
        }
        self.end_sequence()?;
        match is_unprintable(character) {
            true if self.sequence.push(character) => Ok(()),
            true => self.write_unprintable(character),
            false => self.writer.write_char(character),
        }
    }

    /// Writes the characters held back, because they do not start a sequence that sets colours.
    fn end_sequence(&mut self) -> fmt::Result {
        let sequence = std::mem::take(&mut self.sequence);
        let mut characters = sequence.as_str().chars();
        match characters.next() {
            Some(escape) => {
                self.write_unprintable(escape)?;
                self.writer.write_str(characters.as_str())
            }
            None => Ok(()),
        }
    }
}

impl<W: Write> Write for EscapingWriter<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.sequence.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return self.writer.write_str(text);
        }
        if self.escape == Escape::ColoredLines {
            return text.chars().try_for_each(|character| self.write_colored(character));
        }
        let mut rest = text;
        while let Some(at) = rest.find(is_unprintable) {
            self.writer.write_str(&rest[..at])?;
            let mut after = rest[at..].chars();
            after.next().map_or(Ok(()), |found| self.write_unprintable(found))?;
            rest = after.as_str();
        }
        self.writer.write_str(rest)
    }
}

/// Start of a sequence that sets colours: ESC, `[`, numbers and semicolons, `m`.
#[derive(Default)]
struct ColorSequence {
    bytes: [u8; 24],
    length: usize,
}

impl ColorSequence {
    /// Adds a character that can follow. Returns `false` for any other.
    fn push(&mut self, character: char) -> bool {
        let can_follow = match self.length {
            0 => character == '\u{1b}',
            1 => character == '[',
            length => length < self.bytes.len() && matches!(character, '0'..='9' | ';' | 'm'),
        };
        if let (true, Ok(byte)) = (can_follow, u8::try_from(character)) {
            self.bytes[self.length] = byte;
            self.length += 1;
        }
        can_follow
    }

    const fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(escape: Escape, parts: &[&str]) -> String {
        let mut text = String::new();
        let mut writer = EscapingWriter::new(&mut text, escape);
        parts.iter().try_for_each(|part| writer.write_str(part)).unwrap();
        text
    }

    #[test]
    fn each_form_escapes_what_it_does_not_keep() {
        let text = ["tea\n\t\u{9b}31m\u{202e}\u{7f} größe \u{e0001}\u{1b}[2Jx"];
        assert_eq!(
            escaped(Escape::Field, &text),
            "tea\\n\\t\\u{9b}31m\\u{202e}\\u{7f} größe \u{e0001}\\u{1b}[2Jx"
        );
        assert_eq!(
            escaped(Escape::Lines, &text),
            "tea\n\\t\\u{9b}31m\\u{202e}\\u{7f} größe \u{e0001}\\u{1b}[2Jx"
        );
        assert_eq!(escaped(Escape::ColoredLines, &text), escaped(Escape::Lines, &text));
        assert_eq!(
            escaped(Escape::Json, &text),
            "tea\n\\u0009\\u009b31m\\u202e\\u007f größe \u{e0001}\\u001b[2Jx"
        );
    }

    #[test]
    fn colors_remain_however_they_are_written() {
        let colored = "\u{1b}[2mtea\u{1b}[0m \u{1b}[1;38;5;12mcup\u{1b}[0m";
        let characters: Vec<String> = colored.chars().map(String::from).collect();
        let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
        assert_eq!(escaped(Escape::ColoredLines, &[colored]), colored);
        assert_eq!(escaped(Escape::ColoredLines, &characters), colored);
        let long = format!("\u{1b}[{}m", "1;".repeat(20));
        for (sequence, expected) in [
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{1b}[1\u{1b}[1m", "\\u{1b}[1\u{1b}[1m"),
            ("\u{1b}\u{1b}c", "\\u{1b}\\u{1b}c"),
            (&long, &format!("\\u{{1b}}{}", &long[1..])),
        ] {
            assert_eq!(escaped(Escape::ColoredLines, &[sequence]), expected);
        }
    }
}
