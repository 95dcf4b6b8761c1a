//! Lines of a page.

use super::Format;

/// A line that is not empty.
#[derive(Debug)]
pub(super) enum Line {
    Type(String, String),
    Unit(String, String),
    Help(String),
    Sample(Sample),
}

/// A sample with its labels in order, and its exemplar.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
    pub(super) exemplar: Option<Vec<(String, String)>>,
}

/// Rest of a line.
struct Cursor<'a>(&'a str);

type Parsed<T> = Result<T, String>;

/// OpenMetrics 1.0, "ABNF":
///
/// ```abnf
/// metric-descriptor = HASH SP type SP metricname SP metric-type LF
/// metric-descriptor =/ HASH SP help SP metricname SP escaped-string LF
/// metric-descriptor =/ HASH SP unit SP metricname SP *metricname-char LF
/// sample   = metricname [labels] SP number [SP timestamp] [exemplar] LF
/// exemplar = SP HASH SP labels SP number [SP timestamp]
/// ```
///
/// The text format has no units and exemplars, and its timestamps are integers.
pub(super) fn parse(line: &str, format: Format) -> Parsed<Line> {
    let mut cursor = Cursor(line);
    if cursor.take("# TYPE ") {
        let name = cursor.name(is_metric_byte)?;
        cursor.expect(" ")?;
        let kinds: &[&str] = match format {
            Format::OpenMetrics => &["counter", "gauge", "histogram", "info", "summary", "unknown"],
            Format::Text => &["counter", "gauge", "histogram", "summary", "untyped"],
        };
        let kind = kinds.iter().find(|kind| **kind == cursor.0).ok_or("an unknown type")?;
        return Ok(Line::Type(name, (*kind).to_owned()));
    }
    if cursor.take("# HELP ") {
        let name = cursor.name(is_metric_byte)?;
        cursor.expect(" ")?;
        cursor.escaped(format == Format::OpenMetrics)?;
        return cursor.end().map(|()| Line::Help(name));
    }
    if format == Format::OpenMetrics && cursor.take("# UNIT ") {
        let name = cursor.name(is_metric_byte)?;
        cursor.expect(" ")?;
        let unit = cursor.name(is_metric_byte)?;
        return cursor.end().map(|()| Line::Unit(name, unit));
    }
    let name = cursor.name(is_metric_byte)?;
    let labels = if cursor.0.starts_with('{') { cursor.labels()? } else { Vec::new() };
    cursor.expect(" ")?;
    let value = cursor.number(format)?;
    if cursor.0.starts_with(' ') && !cursor.0.starts_with(" # ") {
        cursor.expect(" ")?;
        cursor.timestamp(format)?;
    }
    let mut exemplar = None;
    if format == Format::OpenMetrics && cursor.take(" # ") {
        exemplar = Some(cursor.labels()?);
        cursor.expect(" ")?;
        cursor.number(format)?;
        if cursor.take(" ") {
            cursor.timestamp(format)?;
        }
    }
    cursor.end()?;
    Ok(Line::Sample(Sample { name, labels, value, exemplar }))
}

fn is_metric_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b':'
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

impl<'a> Cursor<'a> {
    fn take(&mut self, text: &str) -> bool {
        let rest = self.0.strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, text: &str) -> Parsed<()> {
        let found = self.take(text);
        found.then_some(()).ok_or_else(|| format!("expected {text:?} before {:?}", self.0))
    }

    fn end(&self) -> Parsed<()> {
        self.0
            .is_empty()
            .then_some(())
            .ok_or_else(|| format!("expected the end before {:?}", self.0))
    }

    fn until(&mut self, is_end: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.0.split_at(self.0.find(is_end).unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A name of these bytes, and of digits behind the first.
    fn name(&mut self, is_first: fn(u8) -> bool) -> Parsed<String> {
        let is_byte = |byte: u8| is_first(byte) || byte.is_ascii_digit();
        let name = self.until(|char| !char.is_ascii() || !is_byte(char as u8));
        match name.bytes().next() {
            Some(first) if is_first(first) => Ok(name.to_owned()),
            _ => Err(format!("no name before {:?}", self.0)),
        }
    }

    /// ```abnf
    /// labels = "{" [label *(COMMA label)] "}"
    /// label  = label-name EQ DQUOTE escaped-string DQUOTE
    /// ```
    fn labels(&mut self) -> Parsed<Vec<(String, String)>> {
        self.expect("{")?;
        let mut labels = Vec::new();
        while !self.take("}") {
            if !labels.is_empty() {
                self.expect(",")?;
            }
            let name = self.name(is_label_byte)?;
            self.expect("=\"")?;
            let value = self.escaped(true)?;
            self.expect("\"")?;
            if labels.iter().any(|(other, _)| *other == name) {
                return Err(format!("the label {name} is there twice"));
            }
            labels.push((name, value));
        }
        Ok(labels)
    }

    /// ```abnf
    /// escaped-string = *escaped-char
    /// escaped-char   = normal-char / BS ("n" / DQUOTE / BS)
    /// ```
    ///
    /// The help of the text format has quotes that are not escaped.
    fn escaped(&mut self, is_quoted: bool) -> Parsed<String> {
        let mut text = String::new();
        loop {
            text.push_str(self.until(|char| char == '\\' || (is_quoted && char == '"')));
            if !self.take("\\") {
                return Ok(text);
            }
            let escapes = [("n", '\n'), ("\\", '\\'), ("\"", '"')];
            let escapes = &escapes[..if is_quoted { 3 } else { 2 }];
            let escape = escapes.iter().find(|(code, _)| self.take(code));
            text.push(escape.ok_or_else(|| format!("an unknown escape before {:?}", self.0))?.1);
        }
    }

    /// ```abnf
    /// number     = realnumber / [SIGN] ("inf" / "infinity") / "nan"
    /// realnumber = [SIGN] 1*DIGIT [ "." *DIGIT ] [ "e" [SIGN] 1*DIGIT ]
    /// ```
    ///
    /// OpenMetrics is written with "+Inf". The encoder of the text format writes infinite values of counters, gauges and
    /// sums as Rust does, and Go's `ParseFloat`, which that format refers to, reads them.
    fn number(&mut self, format: Format) -> Parsed<f64> {
        let number = self.until(|char| char == ' ');
        match (number, format) {
            ("NaN", _) => Ok(f64::NAN),
            ("+Inf", _) | ("inf", Format::Text) => Ok(f64::INFINITY),
            ("-Inf", _) | ("-inf", Format::Text) => Ok(f64::NEG_INFINITY),
            (number, _) => {
                real(number).ok_or_else(|| format!("{number:?} is no number in {format:?}"))
            }
        }
    }

    fn timestamp(&mut self, format: Format) -> Parsed<()> {
        let time = self.until(|char| char == ' ');
        let is_integer = || time.parse::<i64>().is_ok();
        let fits = match format {
            Format::OpenMetrics => real(time).is_some(),
            Format::Text => is_integer(),
        };
        fits.then_some(()).ok_or_else(|| format!("{time:?} is no time"))
    }
}

fn real(number: &str) -> Option<f64> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let has_digits = !whole.is_empty() && !exponent.is_empty();
    (has_digits && digits(whole) && digits(fraction) && digits(exponent)).then_some(())?;
    number.parse().ok()
}
