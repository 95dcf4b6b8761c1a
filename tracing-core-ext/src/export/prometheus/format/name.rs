use opentelemetry_sdk::metrics::InstrumentKind;
use prometheus::proto::MetricType;

/// Prefixes reserved for metrics of this crate.
pub(crate) const RESERVED: [&str; 4] = ["process_", "tokio_", "target_", "otel_"];

pub(crate) const TOTAL: &str = "_total";

/// Whether a name matches `[a-zA-Z_:][a-zA-Z0-9_:]*`: Prometheus, "Data model".
pub(crate) fn is_metric_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':';
    is_word(name, is_letter)
}

/// Whether a name matches `[a-zA-Z_][a-zA-Z0-9_]*` and does not start with `__`, which is reserved
/// for Prometheus: Prometheus, "Data model".
pub(crate) fn is_label_name(name: &str) -> bool {
    !name.starts_with("__") && is_word(name, |byte| byte.is_ascii_alphabetic() || byte == b'_')
}

fn is_word(name: &str, is_letter: impl Fn(u8) -> bool) -> bool {
    let begins = name.bytes().next().is_some_and(&is_letter);
    begins && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// Returns the common part of names such as `orders` and `orders_total`, which are the same counter
/// in OpenMetrics.
pub(crate) fn base(name: &str) -> &str {
    name.strip_suffix(TOTAL).unwrap_or(name)
}

/// Returns the name under which an instrument is exposed.
///
/// OpenTelemetry, "Prometheus and OpenMetrics Compatibility", "Metric Metadata".
pub(crate) fn metric_name(name: &str, unit: &str, kind: InstrumentKind) -> String {
    let is_counter = metric_type(kind) == MetricType::COUNTER;
    let mut exposed = sanitized(name);
    if is_counter {
        exposed.truncate(base(&exposed).len());
    }
    if let Some(unit) = unit_suffix(unit, kind).filter(|unit| !ends_with(&exposed, unit)) {
        exposed.push('_');
        exposed.push_str(&unit);
    }
    if is_counter {
        exposed.push_str(TOTAL);
    }
    exposed
}

/// Returns the type that instruments of this kind are exposed as.
pub(crate) const fn metric_type(kind: InstrumentKind) -> MetricType {
    match kind {
        InstrumentKind::Counter | InstrumentKind::ObservableCounter => MetricType::COUNTER,
        InstrumentKind::Histogram => MetricType::HISTOGRAM,
        InstrumentKind::UpDownCounter
        | InstrumentKind::ObservableUpDownCounter
        | InstrumentKind::Gauge
        | InstrumentKind::ObservableGauge => MetricType::GAUGE,
    }
}

fn ends_with(name: &str, unit: &str) -> bool {
    let rest = name.strip_suffix(unit);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
}

fn sanitized(name: &str) -> String {
    let begins_with_digit = name.starts_with(|char: char| char.is_ascii_digit());
    let prefix = begins_with_digit.then_some('_');
    underscored(prefix.into_iter().chain(name.chars()), |char| {
        char.is_ascii_alphanumeric() || char == ':'
    })
}

/// Returns the name of the label that an attribute becomes.
pub(crate) fn label_name(key: &str) -> String {
    let is_first_digit = |at: usize, char: char| at == 0 && char.is_ascii_digit();
    let chars = key.chars().enumerate();
    let chars = chars.map(|(at, char)| if is_first_digit(at, char) { '_' } else { char });
    let name = underscored(chars, |char| char.is_ascii_alphanumeric());
    if name.is_empty() { "_".to_owned() } else { name }
}

/// Replaces each run of characters that are not kept by one `_`.
fn underscored(chars: impl Iterator<Item = char>, is_kept: impl Fn(char) -> bool) -> String {
    let mut name = String::new();
    for char in chars.map(|char| if is_kept(char) { char } else { '_' }) {
        if char != '_' || !name.ends_with('_') {
            name.push(char);
        }
    }
    name
}

fn unit_suffix(unit: &str, kind: InstrumentKind) -> Option<String> {
    let unit = without_annotations(unit);
    match unit.split_once('/') {
        Some((amount, per)) => {
            let per = singular(per)?;
            let amount = plural(amount).map_or_else(String::new, |amount| format!("{amount}_"));
            Some(format!("{amount}per_{per}"))
        }
        None if unit == "1" => is_gauge(kind).then(|| "ratio".to_owned()),
        None => plural(&unit).map(str::to_owned),
    }
}

/// Whether the unit `1` of an instrument is a ratio. For other instruments it is a count.
const fn is_gauge(kind: InstrumentKind) -> bool {
    matches!(kind, InstrumentKind::Gauge | InstrumentKind::ObservableGauge)
}

/// Removes the parts in braces, such as `{request}`.
fn without_annotations(unit: &str) -> String {
    let mut depth = 0_usize;
    let is_outside = |char: &char| match char {
        '{' => {
            depth += 1;
            false
        }
        '}' => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    };
    unit.chars().filter(is_outside).collect()
}

fn plural(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "%" => "percent",
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" | "B" => "bytes",
        "KBy" | "KB" => "kilobytes",
        "MBy" | "MB" => "megabytes",
        "GBy" | "GB" => "gigabytes",
        "TBy" | "TB" => "terabytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "A" => "amperes",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "J" => "joules",
        "V" => "volts",
        "W" => "watts",
        "g" => "grams",
        "m" => "meters",
        _ => return None,
    })
}

fn singular(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::export::prometheus::format::name::*;

    #[test]
    fn names_are_those_of_the_compatibility_specification() {
        use InstrumentKind::{Counter, Gauge, Histogram, ObservableGauge, UpDownCounter};
        for (name, unit, kind, expected) in [
            ("a.b", "", Gauge, "a_b"),
            ("a.b", "", Counter, "a_b_total"),
            ("jobs.total", "", Counter, "jobs_total"),
            ("jobs.total", "", Gauge, "jobs_total"),
            ("net.bytes", "By", Counter, "net_bytes_total"),
            ("sent.bytes.total", "By", Counter, "sent_bytes_total"),
            ("sent.total", "By", Counter, "sent_bytes_total"),
            ("kilobytes", "By", Counter, "kilobytes_bytes_total"),
            ("wait.seconds", "s", Histogram, "wait_seconds"),
            ("seconds", "s", Histogram, "seconds"),
            ("shop.orders", "1", Counter, "shop_orders_total"),
            ("shop.orders", "1", Histogram, "shop_orders"),
            ("shop.open", "1", UpDownCounter, "shop_open"),
            ("memory.use", "1", Gauge, "memory_use_ratio"),
            ("memory.use", "1", ObservableGauge, "memory_use_ratio"),
            ("memory.ratio", "1", Gauge, "memory_ratio"),
            ("memory.use", "%", Gauge, "memory_use_percent"),
            ("größe", "", Gauge, "gr_e"),
            ("a..b__c", "", Gauge, "a_b_c"),
            ("9lives", "", Gauge, "_9lives"),
            ("a:b", "", Gauge, "a:b"),
            ("io", "By/s", Gauge, "io_bytes_per_second"),
            ("io", "1/s", Gauge, "io_per_second"),
            ("drift", "s/m", Gauge, "drift_seconds_per_minute"),
            ("io", "{x}/s", Gauge, "io_per_second"),
            ("io", "By/x", Gauge, "io"),
            ("io", "{request}", Counter, "io_total"),
            ("io", "By{payload}", Counter, "io_bytes_total"),
        ] {
            assert_eq!(metric_name(name, unit, kind), expected, "{name} {unit} {kind:?}");
        }
    }

    #[test]
    fn names_have_letters_underscores_and_behind_the_first_digits() {
        for name in ["a", "_a", "A9_", "a:b"] {
            assert!(is_metric_name(name), "{name}");
        }
        for name in ["", "9a", "a.b", "a-b", "é", "a b"] {
            assert!(!is_metric_name(name), "{name}");
            assert!(!is_label_name(name), "{name}");
        }
        assert!(is_label_name("a_9"));
        for name in ["a:b", "__name__", "__a"] {
            assert!(!is_label_name(name), "{name}");
        }
    }
}
