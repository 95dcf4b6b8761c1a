//! Frame of every page.

use maud::{DOCTYPE, Markup, html};

use super::text::encode;
use crate::{
    analysis::Window,
    model::{Nanos, format_time, now},
};

/// Pages of the navigation: address, name, key.
const PAGES: [(&str, &str, &str); 8] = [
    ("overview", "Overview", "o"),
    ("traces", "Traces", "t"),
    ("running", "Running", "r"),
    ("map", "Map", "m"),
    ("errors", "Errors", "x"),
    ("logs", "Logs", "l"),
    ("metrics", "Metrics", "c"),
    ("health", "Health", "h"),
];

/// Time window of a page: its name and its limits.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// Name in the address, or an empty text for a custom interval.
    pub(crate) name: String,
    /// Limits.
    pub(crate) window: Window,
}

/// Page without its frame.
#[derive(Debug)]
pub(crate) struct Page {
    /// Address of the navigation entry of the page.
    tab: &'static str,
    title: String,
    script: Option<&'static str>,
    body: Markup,
}

/// Location at which a page is served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Path before the addresses of the panel, without a trailing slash.
    pub(crate) prefix: String,
    /// Path and query of the page.
    pub(crate) address: String,
    /// Note about the source of the page.
    pub(crate) notice: Option<String>,
    /// Whether new telemetry is pushed to the page.
    pub(crate) is_live: bool,
}

/// Returns a page. `tab` is the address of its navigation entry.
pub(in crate::pages) fn page(
    tab: &'static str,
    title: &str,
    script: Option<&'static str>,
    body: Markup,
) -> Page {
    Page { tab, title: title.to_owned(), script, body }
}

/// Returns the page in its frame. All addresses are relative to the prefix, by means of the element
/// `base`.
pub(crate) fn render(page: &Page, place: &Place) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " · panel" }
                base href=(format!("{}/", place.prefix));
                link rel="stylesheet" href="assets/panel.css";
                link rel="icon" href="assets/panel.svg" type="image/svg+xml";
                script src="assets/main.js" type="module" {}
                @if let Some(script) = page.script {
                    script src=(format!("assets/{script}")) type="module" {}
                }
            }
            body data-live=[place.is_live.then_some("true")] {
                a.skip href=(format!("{}#main", place.address)) { "Skip to content" }
                (header(page.tab))
                main #main tabindex="-1" {
                    @if let Some(notice) = &place.notice { p.notice { (notice) } }
                    (page.body)
                }
            }
        }
    }
}

fn header(tab: &str) -> Markup {
    html! {
        header.bar {
            a.brand href="overview" aria-label="Panel: overview" {
                svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true" {
                    rect.b1 x="1" y="2" width="9" height="3" rx="1" {}
                    rect.b2 x="4" y="6.5" width="8" height="3" rx="1" {}
                    rect.b3 x="9" y="11" width="6" height="3" rx="1" {}
                }
                span { "panel" }
            }
            nav aria-label="Pages" {
                @for (address, name, key) in PAGES {
                    a href=(address) data-key=(key)
                        aria-current=[(address == tab).then_some("page")] { (name) }
                }
            }
            a.key href="help" data-help title="Keys and search language" aria-label="Help" { "?" }
        }
    }
}

/// Returns a page that contains only a message.
pub(crate) fn message_page(title: &str, message: &str) -> Page {
    page(
        "",
        title,
        None,
        html! {
            section.empty { h1 { (title) } p { (message) } p { a href="overview" { "Overview" } } }
        },
    )
}

/// Returns a page with instructions for sending telemetry.
pub(in crate::pages) fn empty(title: &str) -> Markup {
    html! {
        section.empty {
            h2 { (title) }
            p { "Send telemetry from a service in any language:" }
            pre {
                "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 \\\n"
                "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf your-service"
            }
            p.dim { "gRPC is received on port 4317." }
        }
    }
}

/// Returns the links to the time windows.
pub(in crate::pages) fn windows(path: &str, query: &str, choice: &Choice) -> Markup {
    let address = |name: &str| match query {
        "" if path.contains('?') => format!("{path}&window={name}"),
        "" => format!("{path}?window={name}"),
        _ => format!("{path}?q={}&window={name}", encode(query)),
    };
    let names = Window::CHOICES.iter().map(|(name, _)| *name).chain(["all"]);
    html! {
        nav.windows aria-label="Window of time" {
            @for name in names {
                a href=(address(name)) aria-current=[(choice.name == name).then_some("true")] {
                    (name)
                }
            }
        }
    }
}

/// Returns the age of a time, with the time as title.
pub(in crate::pages) fn age(time: Nanos) -> Markup {
    let full = format_time(time);
    let short = match now().checked_sub(time) {
        Some(age) if age < 86_400_000_000_000 => format!("{} ago", short_age(age / 1_000_000_000)),
        _ => full[..16].replace('T', " "),
    };
    html! { time datetime=(full) title=(full) { (short) } }
}

fn short_age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}
