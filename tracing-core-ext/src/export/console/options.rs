use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

use super::{output::Output, waterfall::Style};

/// Options for printing spans: a waterfall for each trace, or a line of JSON for each span.
///
/// ```
/// use tracing_core_ext::telemetry::{Console, Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (telemetry, _subscriber) = Telemetry::builder()
///     .service_name("checkout")
///     .console(Console::new().attributes(true))
///     .build()?;
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
///
/// On a terminal a waterfall is as wide as the terminal, and elsewhere as wide as `COLUMNS`, or 120
/// columns. On a terminal it has colours, unless `NO_COLOR` is set or `TERM` is `dumb`.
///
/// Spans that cannot be written are counted as lost. As for any other destination, the loss is
/// logged once when it begins, and [`Telemetry::shutdown`](crate::telemetry::Telemetry::shutdown)
/// returns it.
///
/// # JSON
///
/// [`json`](Self::json) prints an object for each span, on one line, when the span has ended:
///
/// | member | value |
/// | --- | --- |
/// | `trace_id`, `span_id` | lower-case hexadecimal |
/// | `parent_span_id` | the same, `null` for a root |
/// | `parent_is_remote` | whether the parent is in another process |
/// | `trace_flags`, `trace_state` | as in `traceparent` and `tracestate` |
/// | `name` | text |
/// | `kind` | `SERVER`, `CLIENT`, `PRODUCER`, `CONSUMER` or `INTERNAL` |
/// | `start_time`, `end_time` | RFC 3339, UTC, with nanoseconds |
/// | `duration` | seconds |
/// | `status` | `code`: `UNSET`, `OK` or `ERROR`; `description` of an error |
/// | `attributes` | an object; of a key that was set twice the last value |
/// | `events` | `name`, `time`, `attributes` of each |
/// | `links` | `trace_id`, `span_id`, `trace_flags`, `trace_state`, `attributes` of each |
/// | `dropped_attributes_count`, `dropped_events_count`, `dropped_links_count` | numbers above the SDK's limits, if any |
/// | `resource` | `attributes` of the service |
/// | `scope` | `name`, `version`, `schema_url`, `attributes` of the instrumentation scope |
///
/// Attributes keep their types: an integer has up to 64 bits. Numbers that JSON cannot express are
/// the strings `"NaN"`, `"Infinity"` and `"-Infinity"`, as in ProtoJSON. All control characters,
/// and characters that change the direction of text, are escaped.
#[derive(Clone, Default)]
#[must_use = "it does nothing until it is passed to TelemetryBuilder::console"]
pub struct Console {
    json: bool,
    attributes: bool,
    color: Option<bool>,
    output: Option<Output>,
}

impl Console {
    /// Prints a waterfall for each trace on standard output, without attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Prints a JSON object with all data of each span instead of a waterfall.
    ///
    /// ```
    /// # use tracing_core_ext::telemetry::{Console, Telemetry};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) =
    ///     Telemetry::builder().service_name("checkout").console(Console::new().json()).build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn json(mut self) -> Self {
        self.json = true;
        self
    }

    /// Sets whether the attributes, events and links of a span stand below its line. Off by
    /// default.
    pub fn attributes(mut self, attributes: bool) -> Self {
        self.attributes = attributes;
        self
    }

    /// Sets whether the output has colours, regardless of the terminal and the environment.
    pub fn color(mut self, color: bool) -> Self {
        self.color = Some(color);
        self
    }

    /// Prints to this writer instead of standard output: 120 columns wide, and without colours
    /// unless [`color`](Self::color) enables them.
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.output = Some(Output::new(writer));
        self
    }

    /// Returns the name of the destination in messages.
    pub(crate) fn destination(&self) -> &'static str {
        match self.output {
            Some(_) => "Console::writer()",
            None => "standard output",
        }
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    pub(super) fn has_attributes(&self) -> bool {
        self.attributes
    }

    pub(super) fn output(&self) -> Output {
        self.output.clone().unwrap_or_else(|| Output::new(io::stdout()))
    }

    /// Returns the style. Called for every trace, because a terminal can be resized.
    pub(super) fn style(&self, no_color: bool) -> Style {
        let style = match self.output {
            Some(_) => Style::default(),
            None => Style::default().width_of_stdout(),
        };
        let is_terminal = self.output.is_none() && io::stdout().is_terminal();
        style.color(self.is_colorful(no_color, is_terminal)).attributes(self.attributes)
    }

    fn is_colorful(&self, no_color: bool, is_terminal: bool) -> bool {
        self.color.unwrap_or(is_terminal && !no_color)
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("json", &self.json)
            .field("attributes", &self.attributes)
            .field("color", &self.color)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_beats_the_environment_which_beats_the_terminal_for_colours() {
        for (console, no_color, is_terminal, expected) in [
            (Console::new(), false, true, true),
            (Console::new(), true, true, false),
            (Console::new(), false, false, false),
            (Console::new().color(true), true, false, true),
            (Console::new().color(false), false, true, false),
        ] {
            let colorful = console.is_colorful(no_color, is_terminal);
            assert_eq!(colorful, expected, "{console:?} {no_color} {is_terminal}");
        }
    }
}
