//! README and manual agree with the sources: options, messages, tests, links and commands.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Item, visit::Visit};

const MANUAL: &str = "tracing-core-ext/src/manual";
const CRATES: [&str; 3] = ["tracing-core-ext/src", "axum-layer/src", "actix-middleware/src"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| match path.is_dir() {
        true => files(&path, extension),
        false => vec![path],
    });
    files.filter(|path| path.extension().is_some_and(|it| it == extension)).collect()
}

/// Returns the path and the text of README and of each page.
fn pages() -> Vec<(PathBuf, String)> {
    let mut pages = files(&root().join(MANUAL), "md");
    pages.push(root().join("README.md"));
    pages.into_iter().map(|path| (path.clone(), read(path))).collect()
}

/// Returns the rows of all tables, as cells.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").collect())
}

/// Returns the text of the first code span of a cell, and the text behind it.
fn code(cell: &str) -> Option<(&str, &str)> {
    let start = cell.find('`')?;
    let ticks = cell[start..].find(|char| char != '`')?;
    let mark = &cell[start..start + ticks];
    let (code, rest) = cell[start + ticks..].split_once(mark)?;
    Some((code, rest))
}

fn codes(mut text: &str) -> Vec<&str> {
    let mut codes = Vec::new();
    while let Some((code, rest)) = code(text) {
        codes.push(code);
        text = rest;
    }
    codes
}

/// Text in the sources of the crates, without tests.
#[derive(Default)]
struct Sources {
    /// All string literals, with `…` for each value that is inserted.
    texts: BTreeSet<String>,
    /// Texts of the macros that log.
    logged: BTreeSet<String>,
    /// Names of the functions that `impl` blocks of a builder have.
    options: BTreeSet<String>,
}

impl Sources {
    fn read() -> Self {
        let mut sources = Self::default();
        for path in CRATES.iter().flat_map(|it| files(&root().join(it), "rs")) {
            let is_test = path.strip_prefix(root()).unwrap().iter().any(|part| {
                ["loom_tests.rs", "testing", "testing.rs", "tests", "tests.rs"]
                    .iter()
                    .any(|it| *it == part)
            });
            if !is_test {
                sources.visit_file(&syn::parse_file(&read(&path)).unwrap());
            }
        }
        sources
    }

    fn add_literals(&mut self, tokens: TokenStream, is_logged: bool) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.add_literals(group.stream(), is_logged),
                TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        self.add(&text.value(), is_logged);
                    }
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, text: &str, is_logged: bool) {
        let text = with_ellipses(text);
        // A message has words and at least one constant part.
        if is_logged && text.contains(' ') {
            self.logged.insert(text.clone());
        }
        self.texts.insert(text);
    }
}

/// Replaces each `{…}` of a format string.
fn with_ellipses(format: &str) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        rest = match (after.strip_prefix('{'), after.split_once('}')) {
            (Some(after), _) => {
                text.push('{');
                after
            }
            (None, Some((_, after))) => {
                text.push('…');
                after
            }
            (None, None) => after,
        };
    }
    text + rest
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.require_list().map(|list| list.tokens.to_string());
        attribute.path().is_ident("cfg") && condition.is_ok_and(|it| it.contains("test"))
    })
}

impl<'ast> Visit<'ast> for Sources {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {}
            _ => syn::visit::visit_item(self, item),
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let syn::Type::Path(path) = &*item.self_ty
            && item.trait_.is_none()
            && let Some(name) = path.path.segments.last()
            && ["Builder", "TelemetryBuilder"].iter().any(|builder| name.ident == builder)
        {
            for item in &item.items {
                if let syn::ImplItem::Fn(function) = item
                    && matches!(function.vis, syn::Visibility::Public(_))
                {
                    self.options.insert(function.sig.ident.to_string());
                }
            }
        }
        syn::visit::visit_item_impl(self, item);
    }

    /// A doc comment is no text of the program.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.add(&text.value(), false);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|it| it.ident.to_string()).unwrap_or_default();
        let is_logged = ["error", "info", "warn"].contains(&&*name);
        self.add_literals(call.tokens.clone(), is_logged);
    }
}

fn messages() -> Vec<String> {
    let text = read(format!("{MANUAL}/operation/troubleshooting.md"));
    let cells: Vec<_> = rows(&text).map(|row| row[0].to_owned()).collect();
    let is_message = |cell: &String| cell.starts_with("``");
    let messages = cells.into_iter().filter(is_message);
    messages.map(|cell| code(&cell).expect("a code span").0.to_owned()).collect()
}

#[test]
fn each_message_of_the_manual_is_one_of_the_sources() {
    let (messages, sources) = (messages(), Sources::read());
    assert!(messages.len() > 50, "{}", messages.len());
    let is_unknown = |message: &&String| !sources.texts.iter().any(|it| it.contains(*message));
    assert_eq!(messages.iter().filter(is_unknown).collect::<Vec<_>>(), [""; 0]);
}

/// A new log line needs a row on the page "Troubleshooting".
#[test]
fn each_log_line_of_the_sources_is_in_the_manual() {
    let (messages, sources) = (messages(), Sources::read());
    assert!(sources.logged.len() > 20, "{:?}", sources.logged);
    let is_missing = |text: &&String| !messages.iter().any(|message| message == *text);
    assert_eq!(sources.logged.iter().filter(is_missing).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_tables_have_all_options_and_no_others() {
    /// Functions of builders that are no options.
    const OTHERS: [&str; 6] =
        ["build", "check", "install", "install_without_subscriber", "new", "resolve"];

    let page = read(format!("{MANUAL}/guide/options.md"));
    let listed = rows(&page).filter_map(|row| Some(code(row[0])?.0.to_owned()));
    // The options of `ClientTracing` itself.
    let listed: BTreeSet<_> = listed.filter(|name| name != "client_timeout").collect();
    let mut options = Sources::read().options;
    OTHERS.iter().for_each(|other| _ = options.remove(*other));
    assert!(options.len() > 50, "{options:?}");
    assert_eq!(listed, options);
}

#[test]
fn the_tests_that_pages_name_exist() {
    let mut count = 0;
    for (path, text) in pages() {
        for code in codes(&text).into_iter().filter(|it| it.contains(".rs")) {
            let (file, test) = code.split_once("::").unwrap_or((code, ""));
            if !file.ends_with(".rs") || !file.contains('/') {
                continue;
            }
            let source = read(file);
            assert!(test.is_empty() || source.contains(&format!("fn {test}")), "{path:?}: {code}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}

#[test]
fn each_page_is_compiled_and_documented() {
    let (compiled, module) = (read("tests/src/manual.rs"), read(format!("{MANUAL}/mod.rs")));
    for (path, text) in pages() {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        assert!(compiled.contains(&format!("\"{name}\"")), "{name} is not compiled");
        if let Some(page) = name.strip_prefix(&format!("{MANUAL}/")) {
            assert!(
                module.contains(&format!("include_str!(\"{page}\")")),
                "{name} is not documented"
            );
        }
        for fence in text.lines().filter(|line| line.starts_with("```rust")) {
            let is_compiled = ["```rust", "```rust,no_run"].contains(&fence);
            assert!(is_compiled, "{name}: {fence}");
        }
    }
}

#[test]
fn the_readme_is_short_and_has_two_commands() {
    let text = read("README.md");
    let start = text.split("\n## More").next().unwrap();
    assert!(start.lines().count() <= 90, "{} lines before More", start.lines().count());
    let commands = text.split("```sh\n").skip(1).map(|it| it.split("\n```").next().unwrap());
    assert_eq!(commands.collect::<Vec<_>>(), ["cargo run --bin shop", "cargo test --workspace"]);
}

#[test]
fn the_files_that_the_readme_links_to_exist() {
    let text = read("README.md");
    let targets = text.split("](").skip(1).map(|it| it.split(')').next().unwrap());
    let targets: Vec<_> = targets.filter(|it| !it.contains("://")).collect();
    assert!(targets.len() > 20, "{targets:?}");
    for target in targets {
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        assert!(root().join(file).exists(), "{target}");
        let heading = anchor.replace('-', " ");
        let has_heading = |text: String| {
            let mut lines = text.lines().filter(|line| line.starts_with('#'));
            lines.any(|line| line.trim_start_matches('#').trim().to_lowercase() == heading)
        };
        assert!(anchor.is_empty() || has_heading(read(file)), "{target}");
    }
}

/// Pages name variables and files of the repository that exist.
#[test]
fn the_variables_that_pages_name_are_read() {
    let mut texts: Vec<_> = Sources::read().texts.into_iter().collect();
    texts.extend(CRATES.iter().flat_map(|it| files(&root().join(it), "rs")).map(read));
    // Variables that the manual mentions because they are not read.
    const OTHERS: [&str; 3] = ["OTEL_LOG_LEVEL", "OTEL_PORT", "OTEL_EXPORTER_OTLP_ENDPONT"];
    let sources = texts.concat();
    for (path, text) in pages() {
        let is_part =
            |char: char| !(char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_');
        let names = text.split(is_part).filter(|it| it.starts_with("OTEL_") && !it.ends_with('_'));
        for name in names.filter(|name| !OTHERS.contains(name)) {
            assert!(sources.contains(name), "{path:?}: {name}");
        }
    }
}

/// Names after which the page about other crates writes an argument are functions; names that begin with a capital letter
/// are types or variants.
#[test]
fn the_replacements_for_other_crates_exist() {
    /// Names of other crates.
    const OTHERS: [&str; 10] = [
        "Debug",
        "FutureExt",
        "OpenTelemetry",
        "SDK",
        "UUID",
        "Uuid",
        "env",
        "into_make_service_with_connect_info",
        "to_string",
        "with_context",
    ];

    let page = read(format!("{MANUAL}/start/migration.md"));
    let sources = CRATES.iter().flat_map(|it| files(&root().join(it), "rs")).map(read);
    let sources = sources.collect::<Vec<_>>().concat();
    let mut count = 0;
    for row in rows(&page).filter(|row| row.len() == 2) {
        for code in codes(row[1]) {
            let is_part = |char: char| !(char.is_ascii_alphanumeric() || char == '_');
            for name in code.split(is_part).filter(|it| !it.is_empty() && !OTHERS.contains(it)) {
                let is_function = code.contains(&format!("{name}("));
                let is_type = name.starts_with(|char: char| char.is_ascii_uppercase());
                let is_known = match (is_function, is_type) {
                    // A variable, or an item.
                    (_, true) if name.contains('_') => sources.contains(name),
                    (_, true) => {
                        let mut kinds = ["struct ", "enum ", "trait ", "type ", "    "].iter();
                        kinds.any(|kind| sources.contains(&format!("{kind}{name}")))
                    }
                    (true, false) => sources.contains(&format!("fn {name}")),
                    (false, false) => continue,
                };
                assert!(is_known, "{code}: {name}");
                count += 1;
            }
        }
    }
    assert!(count > 80, "{count}");
}
