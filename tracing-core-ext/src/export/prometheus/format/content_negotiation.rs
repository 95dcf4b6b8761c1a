use std::str;

use http::{HeaderName, header};

use crate::propagation::Headers;

/// Text format of a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus text format, which every scraper accepts.
    Text,
    /// OpenMetrics, which has exemplars, for scrapers that accept it.
    OpenMetrics,
}

impl Format {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Returns the format that the `Accept` fields prefer. If they accept neither, it is text, as
    /// RFC 9110, section 12.4.1 allows.
    pub(crate) fn accepted(headers: &impl Headers) -> Self {
        let mut openmetrics = 0.0_f32;
        let mut text = (0, 0.0_f32);
        each_element(headers, &header::ACCEPT, |range| {
            if range.is("application/openmetrics-text", "1.0.0") {
                openmetrics = openmetrics.max(range.quality);
            }
            let specificity = range.specificity_for_text();
            if specificity > text.0 {
                text = (specificity, range.quality);
            }
        });
        match openmetrics > 0.0 && openmetrics >= text.1 {
            true => Self::OpenMetrics,
            false => Self::Text,
        }
    }
}

/// Whether `Accept-Encoding` names gzip, with at least the weight of no encoding.
pub(crate) fn accepts_gzip(headers: &impl Headers) -> bool {
    let (mut gzip, mut identity) = (0.0_f32, 0.0_f32);
    each_element(headers, &header::ACCEPT_ENCODING, |coding| match coding.value {
        value if value.eq_ignore_ascii_case("gzip") => gzip = coding.quality,
        value if value.eq_ignore_ascii_case("identity") => identity = coding.quality,
        _ => {}
    });
    gzip > 0.0 && gzip >= identity
}

/// Element of a list with weights.
struct Element<'a> {
    value: &'a str,
    version: Option<&'a str>,
    quality: f32,
}

impl<'a> Element<'a> {
    /// Parses an element with its weight: RFC 9110, section 12.4.2:
    ///
    /// ```text
    /// weight = OWS ";" OWS "q=" qvalue
    /// qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
    /// ```
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = element.split(';').map(str::trim);
        let value = parts.next().filter(|value| !value.is_empty())?;
        let mut parsed = Self { value, version: None, quality: 1.0 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            if name.eq_ignore_ascii_case("q") {
                parsed.quality = value.parse().ok().filter(|it| (0.0..=1.0).contains(it))?;
            } else if name.eq_ignore_ascii_case("version") {
                parsed.version = Some(value.trim_matches('"'));
            }
        }
        Some(parsed)
    }

    fn is(&self, media_type: &str, version: &str) -> bool {
        let has_version = self.version.is_none_or(|asked| asked == version);
        self.value.eq_ignore_ascii_case(media_type) && has_version
    }

    fn specificity_for_text(&self) -> u8 {
        match self.value {
            _ if self.is("text/plain", "0.0.4") => 3,
            "text/*" => 2,
            "*/*" => 1,
            _ => 0,
        }
    }
}

fn each_element(headers: &impl Headers, name: &HeaderName, mut each: impl FnMut(Element<'_>)) {
    let fields = headers.values(name).filter_map(|field| str::from_utf8(field).ok());
    fields.flat_map(|field| field.split(',')).filter_map(Element::parse).for_each(&mut each);
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use crate::export::prometheus::format::content_negotiation::*;

    fn headers(name: &HeaderName, fields: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(name, field.parse().unwrap());
        }
        headers
    }

    fn format(fields: &[&str]) -> Format {
        Format::accepted(&headers(&header::ACCEPT, fields))
    }

    #[test]
    fn prometheus_gets_openmetrics() {
        let old = "application/openmetrics-text;version=1.0.0,\
                   application/openmetrics-text;version=0.0.1;q=0.75,\
                   text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let new = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                   text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                   text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for accept in [old, new] {
            assert_eq!(format(&[accept]), Format::OpenMetrics);
        }
        let lines: Vec<&str> = old.split(',').collect();
        assert_eq!(format(&lines), Format::OpenMetrics);
    }

    #[test]
    fn whoever_does_not_ask_gets_text() {
        for accept in [
            &[][..],
            &["*/*"],
            &["text/plain"],
            &["application/*"],
            &["text/html, application/xhtml+xml, */*;q=0.8"],
            &["application/json"],
        ] {
            assert_eq!(format(accept), Format::Text, "{accept:?}");
        }
    }

    #[test]
    fn the_higher_quality_wins() {
        for (accept, expected) in [
            ("application/openmetrics-text", Format::OpenMetrics),
            ("APPLICATION/OpenMetrics-Text ; Version=\"1.0.0\"", Format::OpenMetrics),
            ("application/openmetrics-text;q=0.5, text/plain", Format::Text),
            ("application/openmetrics-text;q=0.5, text/plain;q=0.4, */*", Format::OpenMetrics),
            ("application/openmetrics-text;q=0.5, text/*;q=0.6", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=2", Format::Text),
            ("application/openmetrics-text;version=2.0.0", Format::Text),
        ] {
            assert_eq!(format(&[accept]), expected, "{accept}");
        }
    }

    #[test]
    fn only_who_asks_for_gzip_gets_it() {
        for (fields, expected) in [
            (&[][..], false),
            (&["gzip"], true),
            (&["deflate, GZIP;q=0.5"], true),
            (&["deflate", "gzip"], true),
            (&["gzip;q=0"], false),
            (&["identity, gzip;q=0.5"], false),
            (&["*"], false),
            (&["br"], false),
        ] {
            let headers = headers(&header::ACCEPT_ENCODING, fields);
            assert_eq!(accepts_gzip(&headers), expected, "{fields:?}");
        }
    }
}
