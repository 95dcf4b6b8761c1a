use std::io::{self, IsTerminal};

use super::paint::Painter;

const WIDTH: usize = 120;

/// Style of a printed [`Waterfall`](crate::telemetry::Waterfall). By default it is 120 columns
/// wide, without colours and without attributes.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub(super) width: usize,
    pub(super) paint: Painter,
    pub(super) attributes: bool,
}

impl Style {
    /// Returns the style for standard output. On a terminal it has the terminal's width, and
    /// colours unless `NO_COLOR` is set or `TERM` is `dumb`. Elsewhere it has the width in
    /// `COLUMNS`.
    pub fn for_stdout() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self::default().width_of_stdout().color(!no_color && !is_dumb && io::stdout().is_terminal())
    }

    /// Sets whether it has colours.
    #[must_use]
    pub fn color(mut self, color: bool) -> Self {
        self.paint = Painter(color);
        self
    }

    /// Sets the width in columns. It is exceeded if the text leaves no room for bars.
    #[must_use]
    pub fn width(mut self, columns: usize) -> Self {
        self.width = columns;
        self
    }

    /// Sets whether attributes, events and links stand below each span that [has
    /// them](crate::telemetry::WaterfallSpan::details).
    #[must_use]
    pub fn attributes(mut self, attributes: bool) -> Self {
        self.attributes = attributes;
        self
    }

    /// Sets the present width of standard output, because a terminal can be resized.
    pub(crate) fn width_of_stdout(self) -> Self {
        let out = io::stdout();
        let terminal = out.is_terminal().then(|| terminal_size::terminal_size_of(&out)).flatten();
        let terminal = terminal.map(|(width, _)| usize::from(width.0));
        let columns = std::env::var("COLUMNS").ok();
        self.width(width(terminal, columns.as_deref()))
    }
}

impl Default for Style {
    fn default() -> Self {
        Self { width: WIDTH, paint: Painter(false), attributes: false }
    }
}

/// A terminal may report a width of 0. `COLUMNS` is set by the shell, so an invalid value is
/// ignored without an error.
fn width(terminal: Option<usize>, columns: Option<&str>) -> usize {
    let columns = || columns.and_then(|columns| columns.trim().parse().ok());
    let is_useful = |width: &usize| (1..=usize::from(u16::MAX)).contains(width);
    terminal.filter(is_useful).or_else(|| columns().filter(is_useful)).unwrap_or(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_that_of_the_terminal_or_columns_or_120() {
        for (terminal, columns, expected) in [
            (Some(80), Some("200"), 80),
            (Some(0), Some("200"), 200),
            (None, Some("200"), 200),
            (None, Some(" 90 "), 90),
            (None, Some("0"), 120),
            (None, Some("wide"), 120),
            (None, Some("99999999999999999999"), 120),
            (None, Some("70000"), 120),
            (None, None, 120),
        ] {
            assert_eq!(width(terminal, columns), expected, "{terminal:?} {columns:?}");
        }
    }
}
