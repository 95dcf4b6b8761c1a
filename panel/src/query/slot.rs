//! Part of a search that is being typed.

/// Part of a search before the cursor: the name of a field, or a value. Positions are numbers of
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Position from which on the text is replaced.
    pub start: usize,
    /// Position of the cursor.
    pub end: usize,
    /// Field of the value, or `None` if the name of a field is typed.
    pub field: Option<String>,
    /// Text before the cursor.
    pub prefix: String,
}

/// Position in a term.
#[derive(Default)]
struct Term {
    start: usize,
    /// Positions of the operator and of the value.
    operator: Option<(usize, usize)>,
    is_quoted: bool,
}

impl Slot {
    /// Returns the part at this position, also for an incomplete search.
    pub fn at(text: &str, cursor: usize) -> Self {
        let characters: Vec<char> = text.chars().take(cursor).collect();
        let term = Term::at(&characters);
        let end = characters.len();
        let (start, field) = match term.operator {
            Some((operator, value)) => {
                (value, Some(characters[term.start..operator].iter().collect()))
            }
            None => (term.start, None),
        };
        let prefix: String = characters[start..].iter().collect();
        let prefix = prefix.strip_prefix('"').map_or_else(|| prefix.clone(), unescape);
        Self { start, end, field, prefix }
    }
}

impl Term {
    fn at(characters: &[char]) -> Self {
        let mut term = Self::default();
        let mut position = 0;
        while position < characters.len() {
            let c = characters[position];
            match c {
                '\\' if term.is_quoted => position += 1,
                '"' => term.is_quoted = !term.is_quoted,
                _ if term.is_quoted => {}
                '-' if position == term.start => term.start += 1,
                _ if c.is_whitespace() => term = Self { start: position + 1, ..Self::default() },
                ':' | '=' | '!' | '>' | '<' | '~'
                    if term.operator.is_none() && position > term.start =>
                {
                    let is_long = "!><".contains(c) && characters.get(position + 1) == Some(&'=');
                    let value = position + 1 + usize::from(is_long);
                    term.operator = Some((position, value));
                    position = value - 1;
                }
                _ => {}
            }
            position += 1;
        }
        term
    }
}

fn unescape(text: &str) -> String {
    let text = text.strip_suffix('"').unwrap_or(text);
    text.replace("\\\"", "\"").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_values_are_told_apart_at_any_position() {
        for (text, cursor, start, field, prefix) in [
            ("", 0, 0, None, ""),
            ("serv", 4, 0, None, "serv"),
            ("service:gate", 12, 8, Some("service"), "gate"),
            ("service:gate", 4, 0, None, "serv"),
            ("a=1 -rou", 8, 5, None, "rou"),
            ("status>=5", 9, 8, Some("status"), "5"),
            ("status>", 7, 7, Some("status"), ""),
            ("name:\"a b", 9, 5, Some("name"), "a b"),
            ("name:\"a \\\"b", 11, 5, Some("name"), "a \"b"),
            ("\"a b\" x", 7, 6, None, "x"),
            ("ö:ä", 3, 2, Some("ö"), "ä"),
            (":a", 2, 0, None, ":a"),
        ] {
            let slot = Slot::at(text, cursor);
            let expected = (start, field.map(str::to_owned), prefix.to_owned());
            assert_eq!((slot.start, slot.field, slot.prefix), expected, "{text}");
        }
    }

    #[test]
    fn a_cursor_behind_the_end_is_at_the_end() {
        assert_eq!(Slot::at("a", 1_000).end, 1);
    }
}
