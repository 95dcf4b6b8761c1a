//! Documentation of the JSON API.

use maud::{Markup, html};

use super::parts::layout::{Page, page};

/// Endpoint of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndpointDoc {
    pub(crate) path: &'static str,
    pub(crate) meaning: &'static str,
    /// Parameters that the endpoint uses.
    pub(crate) parameters: &'static [&'static str],
    /// Type of the response, or the format of a file.
    pub(crate) body: &'static str,
}

/// Type of a response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypeDoc {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    /// Name and type in Rust, and the meaning, of each field.
    pub(crate) fields: &'static [(&'static str, &'static str, &'static str)],
}

/// Returns the page.
pub(crate) fn api_page(
    endpoints: &[EndpointDoc],
    parameters: &[(&str, &str)],
    types: &[TypeDoc],
) -> Page {
    page(
        "",
        "JSON API",
        None,
        html! {
            div.title { h1 { "JSON API" } }
            p {
                "Each address is below that of the panel and answers " code { "GET" } ". "
                "Wrong requests are answered by the status 400 and an " code { "ErrorBody" } "."
            }
            (endpoint_table(endpoints, types))
            section {
                h2 { "Parameters" }
                dl.attributes { @for (name, meaning) in parameters {
                    dt { code { (name) } } dd { (meaning) }
                } }
            }
            div.columns { @for of in types { (type_section(of, types)) } }
        },
    )
}

fn endpoint_table(endpoints: &[EndpointDoc], types: &[TypeDoc]) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr { th { "Address" } th { "Content" } th { "Parameters" } th { "Response" } }
                }
                tbody { @for endpoint in endpoints {
                    tr data-row {
                        td { code { (endpoint.path) } }
                        td { (endpoint.meaning) }
                        td { code { (endpoint.parameters.join(", ")) } }
                        td { (linked(endpoint.body, types)) }
                    }
                } }
            }
        }
    }
}

fn type_section(of: &TypeDoc, types: &[TypeDoc]) -> Markup {
    html! {
        section id=(of.name) {
            h2 { (of.name) }
            p.dim { (of.meaning.trim()) }
            dl.attributes { @for (name, kind, meaning) in of.fields {
                dt { code { (json_name(name)) } " " span.dim { (linked(&json_type(kind), types)) } }
                dd { (meaning.trim()) }
            } }
        }
    }
}

/// Returns the text. If it ends in the name of a type, it is a link.
fn linked(text: &str, types: &[TypeDoc]) -> Markup {
    let name = text.rsplit(' ').next().unwrap_or("");
    let is_type = types.iter().any(|of| of.name == name);
    html! {
        @if is_type { a href=(format!("api#{name}")) { (text) } } @else { (text) }
    }
}

/// Returns the name of a field in JSON.
fn json_name(name: &str) -> String {
    let mut words = name.trim_start_matches("r#").split('_');
    let mut camel = words.next().unwrap_or("").to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        camel.extend([&*first.to_ascii_uppercase(), rest]);
    }
    camel
}

/// Returns the description of the type of a field.
fn json_type(rust: &str) -> String {
    let inside = |outer: &str| rust.strip_prefix(outer)?.strip_suffix('>');
    if let Some(inner) = inside("Option<") {
        return format!("null or {}", json_type(inner));
    }
    if let Some(inner) = inside("Vec<") {
        return format!("list of {}", json_type(inner));
    }
    match rust {
        "String" | "&'static str" => "text".to_owned(),
        "bool" => "true or false".to_owned(),
        "u16" | "u32" | "u64" | "usize" | "f64" => "number".to_owned(),
        "[u64; 2]" => "two numbers".to_owned(),
        _ if rust.starts_with("BTreeMap<") => "object".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_are_those_of_json() {
        assert_eq!(
            ["r#type", "p50_nanos", "trace_id"].map(json_name),
            ["type", "p50Nanos", "traceId"]
        );
        assert_eq!(json_type("Option<String>"), "null or text");
        assert_eq!(json_type("Vec<SpanRow>"), "list of SpanRow");
        assert_eq!(json_type("BTreeMap<String, u64>"), "object");
    }
}
