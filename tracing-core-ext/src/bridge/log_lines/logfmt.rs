//! Log lines in the format logfmt: `key=value` pairs.

use std::{
    error::Error,
    fmt::{self, Debug, Display, Write},
    thread,
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_log::NormalizeEvent;
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use crate::base::text::unprintable::is_unprintable;

/// Format of lines and fields in logfmt: `key=value` pairs, separated by spaces.
///
/// A value is quoted if it is empty or contains a space, `"`, `=`, `\` or an unprintable character. In quotes, escapes are
/// those of JSON, so no value ends a line or adds a pair to it. A character that a key cannot have becomes `_`.
///
/// [`LogFormat::Logfmt`](crate::telemetry::LogFormat::Logfmt) selects it for
/// [`Telemetry::install`](crate::telemetry::TelemetryBuilder::install). In another subscriber it formats the fields of
/// spans as well:
///
/// ```
/// use tracing_core_ext::telemetry::{Logfmt, WithTraceIds};
/// use tracing_subscriber::fmt;
///
/// let lines = fmt::layer()
///     .fmt_fields(Logfmt::new())
///     .event_format(WithTraceIds::logfmt(Logfmt::new()));
/// # use tracing_subscriber::layer::SubscriberExt;
/// # drop(tracing_subscriber::registry().with(lines));
/// ```
///
/// ```text
/// time=2026-11-28T20:15:00.5Z level=info target=shop message="in stock" left=3 span="HTTP request" url.path=/items/7
/// ```
///
/// The pairs are time, level and target, the fields of the event, `span` with the name of the innermost span, and the
/// fields of the spans from the innermost to the outermost. A key that two spans have is written twice.
#[derive(Clone, Debug)]
pub struct Logfmt<T = SystemTime> {
    pub(crate) timer: Option<T>,
    pub(crate) has_target: bool,
    pub(crate) has_source_location: bool,
    pub(crate) has_thread_names: bool,
}

impl Logfmt {
    /// Creates the format, with time in UTC and target.
    pub const fn new() -> Self {
        Self {
            timer: Some(SystemTime),
            has_target: true,
            has_source_location: false,
            has_thread_names: false,
        }
    }
}

impl Default for Logfmt {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, N, T> FormatEvent<S, N> for Logfmt<T>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    T: FormatTime,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let of_log = event.normalized_metadata();
        let metadata = of_log.as_ref().unwrap_or_else(|| event.metadata());
        let mut pairs = Pairs::new(&mut writer);
        if let Some(timer) = &self.timer {
            let mut time = String::new();
            // A timer that fails leaves the time out, as in the other formats.
            if timer.format_time(&mut Writer::new(&mut time)).is_ok() {
                pairs.text("time", &time);
            }
        }
        pairs.text("level", &metadata.level().as_str().to_ascii_lowercase());
        if self.has_target {
            pairs.text("target", metadata.target());
        }
        if self.has_source_location {
            metadata.file().into_iter().for_each(|file| pairs.text("file", file));
            metadata.line().into_iter().for_each(|line| pairs.plain("line", &line));
        }
        if self.has_thread_names {
            thread::current().name().into_iter().for_each(|name| pairs.text("thread", name));
        }
        pairs.skips_log_fields = of_log.is_some();
        event.record(&mut pairs);
        let mut spans = context.event_scope().into_iter().flatten().peekable();
        spans.peek().into_iter().for_each(|span| pairs.text("span", span.name()));
        pairs.result?;
        for span in spans {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>();
            if let Some(fields) = fields.filter(|fields| !fields.is_empty()) {
                write!(writer, " {fields}")?;
            }
        }
        writeln!(writer)
    }
}

impl<'writer, T> FormatFields<'writer> for Logfmt<T> {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut pairs = Pairs::new(&mut writer);
        fields.record(&mut pairs);
        pairs.result
    }
}

/// Maximum number of sources of an error that are written.
const MAX_SOURCES: usize = 16;

/// Writes pairs, and keeps the first error of the writer.
struct Pairs<'a> {
    writer: &'a mut dyn Write,
    result: fmt::Result,
    is_first: bool,
    /// Whether the fields of a record of the crate `log` are its metadata.
    skips_log_fields: bool,
}

impl<'a> Pairs<'a> {
    fn new(writer: &'a mut dyn Write) -> Self {
        Self { writer, result: Ok(()), is_first: true, skips_log_fields: false }
    }

    fn pair(&mut self, key: &str, write: impl FnOnce(&mut dyn Write) -> fmt::Result) {
        if self.skips_log_fields && key.starts_with("log.") {
            return;
        }
        let space = if self.is_first { "" } else { " " };
        self.is_first = false;
        let writer = &mut *self.writer;
        self.result = self.result.and_then(|()| {
            writer.write_str(space)?;
            write!(writer, "{}=", Key(key))?;
            write(writer)
        });
    }

    fn text(&mut self, key: &str, value: &str) {
        self.pair(key, |writer| write!(writer, "{}", Quoted(value)));
    }

    /// Writes a value that needs no quotes.
    fn plain(&mut self, key: &str, value: &dyn Display) {
        self.pair(key, |writer| write!(writer, "{value}"));
    }
}

impl Visit for Pairs<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.plain(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field.name(), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        for _ in 0..MAX_SOURCES {
            let Some(error) = source else { break };
            // Writing to a string does not fail.
            let _ = write!(text, ": {error}");
            source = error.source();
        }
        self.text(field.name(), &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }
}

/// Key of a pair.
pub(super) struct Key<'a>(pub(super) &'a str);

impl Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_invalid =
            |it: char| it.is_whitespace() || "=\"\\".contains(it) || is_unprintable(it);
        let mut characters = self.0.chars().map(|it| if is_invalid(it) { '_' } else { it });
        characters.try_for_each(|character| f.write_char(character))
    }
}

/// Value of a pair, in quotes if it needs them.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain =
            |it: char| !it.is_whitespace() && !"=\"\\".contains(it) && !is_unprintable(it);
        if !self.0.is_empty() && self.0.chars().all(is_plain) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                _ if is_unprintable(character) => {
                    let mut units = [0; 2];
                    let mut units = character.encode_utf16(&mut units).iter();
                    units.try_for_each(|unit| write!(f, "\\u{unit:04x}"))?;
                }
                _ => f.write_char(character)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::telemetry::log_format::tests::CapturedLines;

    fn lines(f: impl FnOnce()) -> Vec<String> {
        let lines = CapturedLines::default();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(Logfmt::new())
            .event_format(Logfmt { timer: None, ..Logfmt::new() })
            .with_writer(lines.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), f);
        lines.all()
    }

    #[test]
    fn a_line_has_the_fields_of_the_event_and_of_its_spans() {
        let written = lines(|| {
            let _outer = tracing::info_span!("order", item = "green tea").entered();
            let inner = tracing::info_span!("stock", shelf = 7, found = tracing::field::Empty);
            inner.record("found", true);
            let _inner = inner.entered();
            tracing::warn!(target: "shop", left = 3, ratio = 0.5, note = ?Some("x"), "in stock");
        });
        assert_eq!(
            written,
            [concat!(
                r#"level=warn target=shop message="in stock" left=3 ratio=0.5 note="Some(\"x\")" "#,
                r#"span=stock shelf=7 found=true item="green tea""#
            )]
        );
    }

    #[test]
    fn no_value_ends_a_line_or_forges_a_pair() {
        let hostile = "a\nlevel=error \u{1b}[2J\u{202e}\u{9b}\u{e0001}\"\\";
        let written = lines(|| tracing::info!(target: "shop", value = hostile, "{hostile}"));
        let quoted = r#""a\nlevel=error \u001b[2J\u202e\u009b󠀁\"\\""#;
        assert_eq!(written, [format!("level=info target=shop message={quoted} value={quoted}")]);
    }

    #[test]
    fn values_are_quoted_if_they_need_it_and_keys_are_made_valid() {
        for (value, quoted) in [
            ("", r#""""#),
            ("/items/7", "/items/7"),
            ("größe", "größe"),
            ("a b", r#""a b""#),
            ("a=b", r#""a=b""#),
            ("\u{a0}", "\"\u{a0}\""),
        ] {
            assert_eq!(Quoted(value).to_string(), quoted);
        }
        assert_eq!(Key("a b=\"c\"\n.d").to_string(), "a_b__c__.d");
    }

    #[derive(Debug)]
    struct Outer(fmt::Error);

    impl Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn an_error_has_the_messages_of_its_sources() {
        let written = lines(|| {
            let error: &(dyn Error + 'static) = &Outer(fmt::Error);
            tracing::info!(target: "shop", error);
        });
        let message = format!("outer: {}", fmt::Error);
        assert_eq!(written, [format!("level=info target=shop error=\"{message}\"")]);
    }
}
