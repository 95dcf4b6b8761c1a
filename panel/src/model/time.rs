//! Times and durations as numbers of nanoseconds.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub type Nanos = u64;

const SECOND: u64 = 1_000_000_000;

/// Returns the current time.
pub fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Formats a time by RFC 3339, in UTC with milliseconds.
pub fn format_time(time: Nanos) -> String {
    let (seconds, rest) = (time / SECOND, time % SECOND);
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let milliseconds = rest / 1_000_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// Converts days since 1970-01-01 into year, month and day of the Gregorian calendar. Years start
/// in March, so that the leap day is the last day of a year. 400 years have 146,097 days.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// Formats a duration with three digits and its unit: `1.25 s`, `340 µs`.
pub fn format_duration(nanoseconds: u64) -> String {
    let units = [(1, "ns"), (1_000, "µs"), (1_000_000, "ms"), (SECOND, "s")];
    if nanoseconds >= 120 * SECOND {
        return long_duration(nanoseconds / SECOND);
    }
    let largest = units.iter().rfind(|(size, _)| nanoseconds >= *size);
    let (size, unit) = largest.copied().unwrap_or((1, "ns"));
    let value = nanoseconds as f64 / size as f64;
    let digits = match value {
        _ if size == 1 => 0,
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

fn long_duration(seconds: u64) -> String {
    let parts = [(86_400 * 365, "y"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = parts.iter().position(|(size, _)| seconds >= *size).unwrap_or(parts.len() - 1);
    let (size, unit) = parts[first];
    let rest = parts.get(first + 1).map(|(next, name)| (seconds % size / next, name));
    match rest {
        Some((amount, name)) if amount > 0 => format!("{} {unit} {amount} {name}", seconds / size),
        _ => format!("{} {unit}", seconds / size),
    }
}

/// Parses a duration such as `200ms`, `1.5s`, `3us`, `2m` or `1h`. A number without a unit is in
/// milliseconds.
pub fn parse_duration(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let size = match &text[digits..] {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" | "" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3_600e9,
        _ => return None,
    };
    let value: f64 = text[..digits].parse().ok()?;
    Some((value * size).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_gregorian_calendar() {
        assert_eq!(format_time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(format_time(951_827_696_789_000_000), "2000-02-29T12:34:56.789Z");
        assert_eq!(format_time(4_107_542_400 * SECOND), "2100-03-01T00:00:00.000Z");
        assert_eq!(format_time(u64::MAX), "2554-07-21T23:34:33.709Z");
    }

    #[test]
    fn durations_have_three_digits() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_250, "1.25 µs"),
            (12_340_000, "12.3 ms"),
            (999_600_000, "1000 ms"),
            (1_500_000_000, "1.50 s"),
            (150_000_000_000, "2 min 30 s"),
            (u64::MAX, "584 y 343 d"),
        ];
        for (nanoseconds, text) in cases {
            assert_eq!(format_duration(nanoseconds), text);
        }
    }

    #[test]
    fn durations_are_read_with_their_unit() {
        assert_eq!(parse_duration("200ms"), Some(200_000_000));
        assert_eq!(parse_duration("1.5s"), Some(1_500_000_000));
        assert_eq!(parse_duration("7"), Some(7_000_000));
        assert_eq!(parse_duration("3µs"), Some(3_000));
        for text in ["", "ms", "1.2.3s", "-1s", "1 s", "1d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
