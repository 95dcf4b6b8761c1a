use opentelemetry_sdk::metrics::InstrumentKind;

/// Names with these beginnings are this crate's own.
pub(super) const RESERVED: [&str; 4] = ["process_", "tokio_", "target_", "otel_"];

pub(super) const TOTAL: &str = "_total";

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`: Prometheus, "Data model".
pub(super) fn is_metric_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':';
    is_word(name, is_letter)
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`: Prometheus, "Data model".
pub(super) fn is_label_name(name: &str) -> bool {
    is_word(name, |byte| byte.is_ascii_alphabetic() || byte == b'_')
}

fn is_word(name: &str, is_letter: impl Fn(u8) -> bool) -> bool {
    let begins = name.bytes().next().is_some_and(&is_letter);
    begins && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// What the names `orders` and `orders_total` have in common: OpenMetrics calls a counter by either.
pub(super) fn base(name: &str) -> &str {
    name.strip_suffix(TOTAL).unwrap_or(name)
}

/// The name under which `opentelemetry-prometheus` exposes an instrument.
///
/// OpenTelemetry, "Prometheus and OpenMetrics Compatibility", "Metric Metadata".
pub(super) fn metric_name(name: &str, unit: &str, kind: InstrumentKind) -> String {
    let mut exposed = sanitized(name);
    if let Some(unit) = unit_suffix(unit) {
        exposed.push('_');
        exposed.push_str(&unit);
    }
    if matches!(kind, InstrumentKind::Counter | InstrumentKind::ObservableCounter) {
        exposed.push_str(TOTAL);
    }
    exposed
}

fn sanitized(name: &str) -> String {
    let is_kept = |char: &char| char.is_ascii_alphanumeric() || matches!(char, '_' | ':');
    let replaced = name.chars().map(|char| if is_kept(&char) { char } else { '_' });
    let begins_with_digit = name.starts_with(|char: char| char.is_ascii_digit());
    begins_with_digit.then_some('_').into_iter().chain(replaced).collect()
}

/// The name of the label that an attribute becomes.
pub(super) fn label_name(key: &str) -> String {
    let is_kept = |char: char| char.is_ascii_alphanumeric() || char == ':';
    key.chars().map(|char| if is_kept(char) { char } else { '_' }).collect()
}

fn unit_suffix(unit: &str) -> Option<String> {
    let Some((amount, per)) = unit.split_once('/') else {
        return plural(unit).map(str::to_owned);
    };
    let per = singular(per)?;
    match plural(amount).filter(|_| !is_bare(amount)) {
        Some(amount) => Some(format!("{amount}_per_{per}")),
        None => Some(format!("per_{per}")),
    }
}

/// A rate of these is exposed as a rate alone.
fn is_bare(unit: &str) -> bool {
    matches!(unit, "1" | "d" | "h" | "min" | "s" | "ms" | "us" | "ns")
}

fn plural(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "1" => "ratio",
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
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    use super::*;

    const NAMES: [&str; 5] = ["a.b", "a_b", "9lives", "a:b", "some/thing-else"];
    const UNITS: [&str; 12] =
        ["", "s", "ms", "By", "1", "%", "{request}", "By/s", "1/s", "s/m", "{x}/s", "By/x"];

    #[test]
    fn instruments_are_exposed_by_the_name_foretold() {
        for unit in UNITS {
            for name in NAMES {
                let counter = metric_name(name, unit, InstrumentKind::Counter);
                let gauge = metric_name(name, unit, InstrumentKind::Gauge);
                for exposed in exposed(name, unit) {
                    assert!(exposed == counter || exposed == gauge, "{name} {unit}: {exposed}");
                }
            }
        }
    }

    fn exposed(name: &'static str, unit: &'static str) -> Vec<String> {
        let registry = prometheus::Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_target_info()
            .build();
        let provider = SdkMeterProvider::builder().with_reader(exporter.unwrap()).build();
        provider.meter("test").u64_counter(name).with_unit(unit).build().add(1, &[]);
        provider.meter("test").u64_gauge(name).with_unit(unit).build().record(1, &[]);
        registry.gather().iter().map(|family| family.name().to_owned()).collect()
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
        assert!(!is_label_name("a:b"));
    }
}
