use std::fmt::{self, Write};

/// Writer that holds the end of a line back, so that text can be inserted before it.
pub(crate) struct SuffixWriter<'a, 'writer> {
    writer: &'a mut tracing_subscriber::fmt::format::Writer<'writer>,
    held: HeldEnd,
}

/// At most one `}`, followed by line ends.
#[derive(Clone, Copy, Default)]
struct HeldEnd {
    brace: bool,
    newlines: usize,
}

impl<'a, 'writer> SuffixWriter<'a, 'writer> {
    pub(crate) fn new(writer: &'a mut tracing_subscriber::fmt::format::Writer<'writer>) -> Self {
        Self { writer, held: HeldEnd::default() }
    }

    /// Inserts `text` before the end of the line.
    pub(crate) fn append(mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        self.release_brace()?;
        self.writer.write_fmt(text)?;
        self.release_newlines()
    }

    /// Inserts `members` before the end of the object. A line that is no object stays unchanged.
    pub(crate) fn append_members(mut self, members: fmt::Arguments<'_>) -> fmt::Result {
        if self.held.brace {
            self.writer.write_fmt(members)?;
        }
        self.release_brace()?;
        self.release_newlines()
    }

    fn release_brace(&mut self) -> fmt::Result {
        match std::mem::take(&mut self.held.brace) {
            true => self.writer.write_char('}'),
            false => Ok(()),
        }
    }

    fn release_newlines(&mut self) -> fmt::Result {
        let newlines = std::mem::take(&mut self.held.newlines);
        (0..newlines).try_for_each(|_| self.writer.write_char('\n'))
    }
}

impl Write for SuffixWriter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let content = text.trim_end_matches('\n');
        let newlines = text.len() - content.len();
        if content.is_empty() {
            self.held.newlines += newlines;
            return Ok(());
        }
        self.release_brace()?;
        self.release_newlines()?;
        let body = content.strip_suffix('}');
        self.held = HeldEnd { brace: body.is_some(), newlines };
        self.writer.write_str(body.unwrap_or(content))
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::fmt::format::Writer;

    use super::*;

    fn appended(parts: &[&str]) -> (String, String) {
        let (mut text, mut members) = (String::new(), String::new());
        let (mut to_text, mut to_members) = (Writer::new(&mut text), Writer::new(&mut members));
        let (mut line, mut object) =
            (SuffixWriter::new(&mut to_text), SuffixWriter::new(&mut to_members));
        for part in parts {
            line.write_str(part).unwrap();
            object.write_str(part).unwrap();
        }
        line.append(format_args!(" id=1")).unwrap();
        object.append_members(format_args!(",\"id\":1")).unwrap();
        (text, members)
    }

    #[test]
    fn text_is_put_before_the_line_end_and_members_before_the_last_brace() {
        for (parts, text, members) in [
            (&["a\n"][..], "a id=1\n", "a\n"),
            (&["a", "\n", "", "\n"], "a id=1\n\n", "a\n\n"),
            (&["a\n", "b\n"], "a\nb id=1\n", "a\nb\n"),
            (&["{}\n"], "{} id=1\n", "{,\"id\":1}\n"),
            (
                &["{\"a\":", "{\"b\":1", "}", "}", "\n"],
                "{\"a\":{\"b\":1}} id=1\n",
                "{\"a\":{\"b\":1},\"id\":1}\n",
            ),
            (&["}\n}\n", "c"], "}\n}\nc id=1", "}\n}\nc"),
            (&["}", "\n", "}"], "}\n} id=1", "}\n,\"id\":1}"),
            (&[], " id=1", ""),
        ] {
            assert_eq!(appended(parts), (text.to_owned(), members.to_owned()), "{parts:?}");
        }
    }
}
