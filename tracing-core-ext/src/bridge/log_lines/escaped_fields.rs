//! Fields of log lines with unprintable characters escaped.

use std::{
    error::Error,
    fmt::{self, Debug, Write},
};

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::{RecordFields, VisitOutput},
    fmt::{
        FormatFields,
        format::{DefaultVisitor, Writer},
    },
};

use crate::base::text::unprintable::{Escape, EscapingWriter};

/// Format of fields like [`DefaultFields`](tracing_subscriber::fmt::format::DefaultFields). It escapes control
/// characters, and those that change the direction of the text.
///
/// A value that is recorded with `%`, or formatted into a message, may come from the network. A line feed in it would
/// end the line and forge another one. [`Telemetry::install`](crate::telemetry::TelemetryBuilder::install) escapes its
/// log lines without this type.
///
/// ```
/// use tracing_core_ext::telemetry::{EscapedFields, WithTraceIds};
/// use tracing_subscriber::fmt;
///
/// let lines = fmt::layer()
///     .fmt_fields(EscapedFields::new())
///     .event_format(WithTraceIds::text(fmt::format()));
/// # use tracing_subscriber::layer::SubscriberExt;
/// # drop(tracing_subscriber::registry().with(lines));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct EscapedFields(());

impl EscapedFields {
    /// Creates the format.
    pub fn new() -> Self {
        Self(())
    }
}

impl<'writer> FormatFields<'writer> for EscapedFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = EscapingVisitor(DefaultVisitor::new(writer, true));
        fields.record(&mut visitor);
        visitor.0.finish()
    }
}

struct EscapingVisitor<V>(V);

impl<V: Visit> Visit for EscapingVisitor<V> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.record_debug(field, &format_args!("{value}")),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.record_error(field, &EscapedError::new(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.record_debug(field, &Escaped(value));
    }
}

struct Escaped<'a>(&'a dyn Debug);

impl Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, is_pretty) = (self.0, f.alternate());
        let mut writer = EscapingWriter::new(f, Escape::Field);
        match is_pretty {
            true => write!(writer, "{value:#?}"),
            false => write!(writer, "{value:?}"),
        }
    }
}

/// An error and its sources with escaped texts.
#[derive(Debug)]
struct EscapedError {
    text: String,
    source: Option<Box<Self>>,
}

impl EscapedError {
    fn new(error: &(dyn Error + 'static)) -> Self {
        let mut text = String::new();
        // The text of an error whose `Display` fails is the part that was written before.
        let _ = write!(EscapingWriter::new(&mut text, Escape::Field), "{error}");
        Self { text, source: error.source().map(|source| Box::new(Self::new(source))) }
    }
}

impl fmt::Display for EscapedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for EscapedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tracing_subscriber::{
        fmt::{format::DefaultFields, writer::BoxMakeWriter},
        layer::SubscriberExt,
    };

    use super::*;
    use crate::telemetry::log_format::tests::CapturedLines;

    fn lines<N>(fields: N, text: &str) -> Vec<String>
    where
        N: for<'a> FormatFields<'a> + Send + Sync + 'static,
    {
        let kept = CapturedLines::default();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(BoxMakeWriter::new(kept.clone()))
            .without_time()
            .with_ansi(true)
            .fmt_fields(fields);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let error = io::Error::other(io::Error::other(text.to_owned()));
            let error: &(dyn Error + 'static) = &error;
            let span = tracing::info_span!("order", item = %text, left = tracing::field::Empty);
            span.record("left", text);
            let _entered = span.entered();
            tracing::info!(user = %text, id = 3, error, r#type = ?text, "sold {text}");
            tracing::info!(message = text);
        });
        kept.all()
    }

    #[test]
    fn printable_fields_are_formatted_as_by_default() {
        let text = "a cup of \"tea\"";
        assert_eq!(lines(EscapedFields::new(), text), lines(DefaultFields::new(), text));
    }

    #[test]
    fn no_field_ends_a_line_or_steers_a_terminal() {
        let lines = lines(EscapedFields::new(), "tea\nERROR forged\u{9b}31m\u{202e}\u{7}");
        assert_eq!(lines.len(), 2, "{lines:?}");
        let escaped = "tea\\nERROR forged\\u{9b}31m\\u{202e}\\u{7}";
        assert_eq!(lines[0].matches(escaped).count(), 6, "{lines:?}");
        assert_eq!(lines[1].matches(escaped).count(), 3, "{lines:?}");
    }
}
