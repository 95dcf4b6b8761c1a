use std::{collections::BTreeSet, fmt};

use super::{
    Row, Waterfall,
    line::{Columns, Line, TimeRange},
    paint::Colors,
    style::Style,
    text::{counted, duration},
};

/// A [`Waterfall`] in a [`Style`], to be printed.
#[derive(Debug)]
pub struct Rendered<'a> {
    waterfall: &'a Waterfall,
    style: Style,
}

impl<'a> Rendered<'a> {
    pub(super) fn new(waterfall: &'a Waterfall, style: Style) -> Self {
        Self { waterfall, style }
    }

    fn lines(&self) -> Vec<Line<'a>> {
        let Waterfall { spans, rows, .. } = self.waterfall;
        let extent = TimeRange::new(spans);
        let line = |row: &'a Row| Line::new(&spans[row.span], row, &extent, self.style);
        rows.iter().map(line).collect()
    }

    fn header(&self, lines: &[Line<'_>]) -> String {
        let spans = &self.waterfall.spans;
        let services: BTreeSet<_> = spans.iter().map(|span| &span.service).collect();
        let trace_id = spans[0].trace_id;
        let later = if self.waterfall.later { "  later" } else { "" };
        let failed = spans.iter().filter(|span| span.error.is_some()).count();
        let failed = match failed {
            0 => String::new(),
            failed => self.style.paint.red(&format!("  ✗ {failed}")),
        };
        let dropped = match self.waterfall.dropped {
            0 => String::new(),
            dropped => format!(" ({dropped} dropped)"),
        };
        let header = format!(
            "trace {trace_id}{later}  {}  {}{dropped}  {}",
            counted(services.len(), "service"),
            counted(lines.len(), "span"),
            duration(TimeRange::new(spans).length),
        );
        format!("{}{failed}", self.style.paint.bold(&header))
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(f, "{}", self.header(&lines))?;
        let columns = Columns::fit(&lines, self.style.width);
        let colors = Colors::of(&self.waterfall.spans);
        lines.iter().try_for_each(|line| line.write(f, &columns, &colors, self.style.paint))
    }
}

#[cfg(test)]
mod tests;
