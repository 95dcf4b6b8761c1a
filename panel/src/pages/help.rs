//! Keys and search language.

use maud::{Markup, html};

use super::parts::layout::{Page, page};
use crate::query::FIELDS;

const KEYS: [(&str, &str); 16] = [
    ("?", "this page"),
    ("/", "search"),
    ("g o, g t, g r, g m", "overview, traces, running requests, map"),
    ("g x, g l, g c, g h", "errors, logs, metrics, health"),
    ("↑ ↓, Tab", "search: select and accept a completion"),
    ("j, k", "next and previous row"),
    ("Enter", "open the row"),
    ("e", "trace: next error"),
    ("f", "trace: find a span"),
    ("← →", "trace: close and open a span"),
    ("x", "trace: fold and unfold repeated siblings"),
    ("v", "trace: flame graph or waterfall"),
    ("← ↑ → ↓, Enter", "flame graph: select and zoom"),
    ("0", "trace and flame graph: whole duration"),
    ("p", "logs: pause and continue live records"),
    ("d", "light or dark"),
];

const EXAMPLES: [(&str, &str); 6] = [
    ("service:gateway status>=500", "requests of a service that failed"),
    ("route:/checkout/* dur>200ms", "slow requests below a path"),
    ("shop.item=tea", "an attribute of the span or of the resource"),
    ("\"out of stock\"", "text in names, messages, events and values"),
    ("error:true -service:pricing", "failed spans of other services"),
    ("severity>=warn db~postgres", "records: warnings with a value that contains a text"),
];

/// Returns the page.
pub(crate) fn help_page() -> Page {
    page(
        "",
        "Help",
        None,
        html! {
            div.title { h1 { "Help" } }
            div.columns {
                section #keys { h2 { "Keys" } (list(&KEYS)) }
                section { h2 { "Search" }
                    p {
                        "Filters and texts are separated by spaces. "
                        "All must hold for one span or one record."
                    }
                    (list(&EXAMPLES))
                    p {
                        "Operators: "
                        code { ": = != > >= < <= ~" }
                        ". "
                        code { "*" }
                        " stands for any text, "
                        code { "~" }
                        " means \"contains\", "
                        code { "-" }
                        " excludes, quotation marks allow spaces."
                    }
                }
                section {
                    h2 { "Fields" }
                    (list(&FIELDS))
                    p.dim { "Every other name is the key of an attribute." }
                }
                section {
                    h2 { "JSON" }
                    p { a href="api" { "Addresses, parameters and types of the JSON API" } }
                }
            }
        },
    )
}

fn list(entries: &[(&str, &str)]) -> Markup {
    html! {
        dl.attributes {
            @for (term, meaning) in entries { dt { code { (term) } } dd { (meaning) } }
        }
    }
}
