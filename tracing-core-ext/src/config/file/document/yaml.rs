//! YAML as a tree of values with their places. Its size is bounded, also that of its aliases.

use std::collections::{BTreeSet, HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{source::Place, substitution::substitute};

/// Largest number of values, where an alias counts as what it stands for.
const MAX_NODES: usize = 50_000;

/// Largest number of lists and mappings inside of each other.
const MAX_DEPTH: usize = 64;

/// A value and the place where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
    /// Number of values that it consists of.
    size: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A scalar after the substitution of variables.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Text in the file, which has the names of variables instead of their values.
    pub(super) written: String,
    /// Whether the text is a string whatever it looks like, because it is quoted or tagged.
    pub(super) is_string: bool,
}

/// A key with its place, and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: Node,
}

/// Result of parsing.
pub(super) struct Parsed {
    pub(super) root: Node,
    /// Variables that are referred to.
    pub(super) variables: BTreeSet<String>,
    /// Variables that are referred to without a default and not set.
    pub(super) missing: Vec<(Place, String)>,
}

/// Reason why a text is not a configuration.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) problem: String,
}

/// A list or mapping that has begun.
struct Open {
    place: Place,
    anchor: usize,
    size: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    /// Entries, and the key whose value comes next.
    Mapping(Vec<Entry>, Option<(Place, String)>),
}

struct Builder<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    variables: BTreeSet<String>,
    missing: Vec<(Place, String)>,
}

/// Parses one YAML document, and replaces references to variables by what `lookup` returns.
pub(super) fn parse(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Parsed, Fault> {
    let mut builder = Builder {
        lookup,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
        variables: BTreeSet::new(),
        missing: Vec::new(),
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| invalid(&error))?;
        builder.on_event(event, place(span))?;
    }
    let empty = || Node {
        value: Value::Scalar(Scalar::plain(String::new())),
        place: Place { line: 1, column: 1 },
        size: 1,
    };
    Ok(Parsed {
        root: builder.root.unwrap_or_else(empty),
        variables: builder.variables,
        missing: builder.missing,
    })
}

impl Builder<'_> {
    fn on_event(&mut self, event: Event<'_>, place: Place) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.on_scalar(&text, style, tag.as_deref(), place, anchor)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| fault(place, "an alias of a value around it"))?;
                self.count(node.size, place)?;
                self.push(node, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(Content::Sequence(Vec::new()), anchor, tag.as_deref(), place)
            }
            Event::MappingStart(anchor, tag) => {
                self.open(Content::Mapping(Vec::new(), None), anchor, tag.as_deref(), place)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(fault(place, "a second document: expected one in a file"))
            }
            _ => Ok(()),
        }
    }

    fn on_scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        place: Place,
        anchor: usize,
    ) -> Result<(), Fault> {
        let is_tagged = check_tag(tag, place)?;
        self.count(1, place)?;
        if self.is_at_key() {
            return self.push(
                Node { value: Value::Scalar(Scalar::plain(text.to_owned())), place, size: 1 },
                anchor,
            );
        }
        let substituted =
            substitute(text, self.lookup).map_err(|problem| Fault { place, problem })?;
        self.variables.extend(substituted.variables);
        self.missing.extend(substituted.missing.into_iter().map(|name| (place, name)));
        let scalar = Scalar {
            text: substituted.text,
            written: text.to_owned(),
            is_string: is_tagged || style != ScalarStyle::Plain,
        };
        self.push(Node { value: Value::Scalar(scalar), place, size: 1 }, anchor)
    }

    /// Whether the next value is the key of a mapping.
    fn is_at_key(&self) -> bool {
        let innermost = self.open.last().map(|open| &open.content);
        matches!(innermost, Some(Content::Mapping(_, None)))
    }

    fn open(
        &mut self,
        content: Content,
        anchor: usize,
        tag: Option<&Tag>,
        place: Place,
    ) -> Result<(), Fault> {
        if self.is_at_key() {
            return Err(fault(place, "a list or mapping as a key: expected a string"));
        }
        if tag.is_some() {
            return Err(fault(place, "a tag: expected none on a list or mapping"));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(fault(place, "more than 64 lists and mappings inside of each other"));
        }
        self.count(1, place)?;
        self.open.push(Open { place, anchor, size: 1, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(Open { place, anchor, size, content }) = self.open.pop() else { return Ok(()) };
        let value = match content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping(entries, _) => Value::Mapping(entries),
        };
        self.push(Node { value, place, size }, anchor)
    }

    /// Adds a value to the list or mapping around it.
    fn push(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.size += node.size;
        match &mut open.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping(entries, key) => match key.take() {
                Some((place, key)) => entries.push(Entry { key, place, value: node }),
                None => *key = Some((node.place, new_key(entries, node)?)),
            },
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, place: Place) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(nodes);
        match self.nodes > MAX_NODES {
            true => Err(fault(place, "more than 50000 values, counting those of aliases")),
            false => Ok(()),
        }
    }
}

/// Returns the key, which must be a string that the mapping does not have yet.
fn new_key(entries: &[Entry], node: Node) -> Result<String, Fault> {
    let Value::Scalar(key) = node.value else {
        return Err(fault(node.place, "a list or mapping as a key: expected a string"));
    };
    if key.text == "<<" {
        return Err(fault(node.place, "a merge key (<<): expected YAML 1.2, which has none"));
    }
    match entries.iter().find(|entry| entry.key == key.text) {
        Some(first) => {
            let problem = format!(
                "the key {:?} is there twice: the first one is in line {}",
                key.text, first.place.line
            );
            Err(fault(node.place, &problem))
        }
        None => Ok(key.text),
    }
}

impl Scalar {
    fn plain(text: String) -> Self {
        Self { written: text.clone(), text, is_string: false }
    }
}

/// Returns whether the tag makes a scalar a string. All other tags of the core schema are resolved
/// by the form of the value anyway.
fn check_tag(tag: Option<&Tag>, place: Place) -> Result<bool, Fault> {
    match tag {
        None => Ok(false),
        Some(tag) if tag.is_yaml_core_schema() => Ok(tag.suffix == "str"),
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(true),
        Some(tag) => Err(fault(place, &format!("the tag {tag}: expected none"))),
    }
}

fn place(span: Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

fn invalid(error: &ScanError) -> Fault {
    let marker = error.marker();
    let place = Place { line: marker.line(), column: marker.col() + 1 };
    Fault { place, problem: format!("invalid YAML: {}", error.info()) }
}

fn fault(place: Place, problem: &str) -> Fault {
    Fault { place, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn problem(text: &str) -> String {
        match parse(text, &|_| None) {
            Ok(parsed) => panic!("{:?}", parsed.root),
            Err(Fault { place, problem }) => format!("{}:{}: {problem}", place.line, place.column),
        }
    }

    #[test]
    fn values_have_the_line_and_the_column_where_they_begin() {
        let parsed = parse("a:\n  - b: 1\n    c: x\n", &|_| None).unwrap();
        let Value::Mapping(root) = &parsed.root.value else { panic!() };
        let Value::Sequence(items) = &root[0].value.value else { panic!() };
        let Value::Mapping(item) = &items[0].value else { panic!() };
        assert_eq!(item[1].place, Place { line: 3, column: 5 });
        assert_eq!(item[1].value.place, Place { line: 3, column: 8 });
    }

    #[test]
    fn what_is_no_configuration_is_an_error_with_its_place() {
        for (text, expected) in [
            ("a: 1\nb: 2\na: 3\n", "3:1: the key \"a\" is there twice: the first one is in line 1"),
            ("a: 1\n---\nb: 2\n", "2:1: a second document: expected one in a file"),
            ("[a]: 1\n", "1:1: a list or mapping as a key: expected a string"),
            ("? {a: 1}\n: 1\n", "1:3: a list or mapping as a key: expected a string"),
            ("a: !secret x\n", "1:4: the tag !secret: expected none"),
            ("a: &a\n  b: *a\n", "2:6: an alias of a value around it"),
            (
                "a: &a {b: 1}\nc:\n  <<: *a\n",
                "3:3: a merge key (<<): expected YAML 1.2, which has none",
            ),
        ] {
            assert_eq!(problem(text), expected, "{text}");
        }
        for text in ["a: [1\n", "a: b: c\n", "a: *missing\n", "a: \"open\n"] {
            let problem = problem(text);
            assert!(problem.contains(": invalid YAML: "), "{text}: {problem}");
        }
    }

    #[test]
    fn the_values_of_aliases_count() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let below = level - 1;
            let aliases = vec![format!("*a{below}"); 10].join(",");
            writeln!(bomb, "a{level}: &a{level} [{aliases}]").unwrap();
        }
        let problem = problem(&bomb);
        assert!(
            problem.ends_with("more than 50000 values, counting those of aliases"),
            "{problem}"
        );
    }

    #[test]
    fn depth_is_limited() {
        let expected = "1:65: more than 64 lists and mappings inside of each other";
        assert_eq!(problem(&"[".repeat(100)), expected);
        assert!(problem(&"[".repeat(100_000)).contains("limit exceeded"));
    }
}
