use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};

const DAY: u64 = 24 * 60 * 60;
const DAYS_OF_MONTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Time in the format of RFC 3339: `2026-02-28T23:59:59.000000001Z`. A time before 1970 is shown as
/// the start of 1970.
pub(super) struct Timestamp(pub(super) SystemTime);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since: Duration = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs();
        let (year, month, day) = date(seconds / DAY);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let nanoseconds = since.subsec_nanos();
        write!(f, "{year:04}-{month:02}-{day:02}T")?;
        write!(f, "{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Returns year, month and day of a number of days after 1 January 1970.
fn date(mut days: u64) -> (u64, u64, u64) {
    const FOUR_CENTURIES: u64 = 4 * 365 * 100 + 97;
    let mut year = 1970 + days / FOUR_CENTURIES * 400;
    days %= FOUR_CENTURIES;
    while days >= 365 + leap_day(year) {
        days -= 365 + leap_day(year);
        year += 1;
    }
    let mut month = 1;
    for length in DAYS_OF_MONTHS {
        let length = if month == 2 { length + leap_day(year) } else { length };
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

fn leap_day(year: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    u64::from(is_leap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_nanoseconds() {
        for (seconds, nanoseconds, expected) in [
            (0, 0, "1970-01-01T00:00:00.000000000Z"),
            (0, 999_999_999, "1970-01-01T00:00:00.999999999Z"),
            (68_169_599, 0, "1972-02-28T23:59:59.000000000Z"),
            (68_169_600, 0, "1972-02-29T00:00:00.000000000Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000000000Z"),
            (1_000_000_000, 1, "2001-09-09T01:46:40.000000001Z"),
            (1_798_761_599, 0, "2026-12-31T23:59:59.000000000Z"),
            (4_107_542_399, 0, "2100-02-28T23:59:59.000000000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000000Z"),
            (253_402_300_799, 0, "9999-12-31T23:59:59.000000000Z"),
        ] {
            let time = UNIX_EPOCH + Duration::new(seconds, nanoseconds);
            assert_eq!(Timestamp(time).to_string(), expected);
        }
    }

    #[test]
    fn a_time_before_1970_is_shown_as_the_start_of_1970() {
        let time = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Timestamp(time).to_string(), "1970-01-01T00:00:00.000000000Z");
    }
}
