//! Settings of a reqwest client that it has no accessors for.

use std::time::Duration;

/// Settings that change how the exchanges of a client are recorded.
///
/// They are read from the `Debug` output of the client, whose form is checked by the tests below. If it changes, sizes
/// of responses without a `Content-Length` are omitted, and a time limit of the client applies to each redirect
/// separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InnerSettings {
    /// Whether bodies may be decompressed before they can be counted.
    pub(super) decompresses: bool,
    /// Time limit of each request.
    pub(super) timeout: Option<Duration>,
}

impl InnerSettings {
    /// Settings of an unknown client.
    pub(super) const UNKNOWN: Self = Self { decompresses: true, timeout: None };

    pub(super) fn of(client: &reqwest::Client) -> Self {
        Self::parse(&format!("{client:?}"))
    }

    fn parse(client: &str) -> Self {
        let accepts = client.split_once("accepts: Accepts").map(|(_, rest)| rest);
        let encodings = accepts.map(|rest| match rest.strip_prefix(" {") {
            Some(fields) => fields.split('}').next().unwrap_or_default(),
            None => "",
        });
        let timeout =
            client.rsplit_once("reqwest::config::TotalTimeout: ").and_then(|(_, rest)| {
                let value = rest.find([',', ' ']).map_or(rest, |end| &rest[..end]);
                parse_duration(value)
            });
        Self { decompresses: encodings.is_none_or(|fields| fields.contains("true")), timeout }
    }
}

/// Reads the `Debug` output of a duration, such as `1.5s`.
fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.find(|char: char| !char.is_ascii_digit() && char != '.')?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_limit_of_a_client_is_known() {
        for timeout in [1, 250, 500, 1500, 90_000].map(Duration::from_millis) {
            let client = reqwest::Client::builder().timeout(timeout).build().unwrap();
            assert_eq!(InnerSettings::of(&client).timeout, Some(timeout));
        }
        let client = reqwest::Client::builder().read_timeout(Duration::from_secs(1));
        assert_eq!(InnerSettings::of(&client.build().unwrap()).timeout, None);
    }

    #[test]
    fn a_client_that_decompresses_nothing_is_known() {
        // The features of reqwest are those of the build.
        assert!(!InnerSettings::of(&reqwest::Client::new()).decompresses);
        let parse = |client: &str| InnerSettings::parse(client).decompresses;
        assert!(parse(
            "Client { accepts: Accepts { gzip: true, zstd: false }, default_headers: {} }"
        ));
        assert!(!parse("Client { accepts: Accepts { gzip: false }, referer: true }"));
        assert!(!parse("Client { accepts: Accepts, referer: true }"));
        assert!(parse("Client { .. }"));
    }
}
