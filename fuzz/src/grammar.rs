//! Recognition by the operators of ABNF (RFC 5234), with all alternatives.
//!
//! A rule returns each position at which a match can end, so nothing depends on an order of
//! alternatives or on a longest match.

use std::{collections::BTreeSet, rc::Rc};

/// Positions in the input.
type Ends = BTreeSet<usize>;

/// A rule of a grammar.
#[derive(Clone)]
pub struct Rule(Rc<dyn Fn(&[u8], usize) -> Ends>);

impl Rule {
    /// Whether the rule matches the whole input.
    pub fn matches(&self, input: &[u8]) -> bool {
        (self.0)(input, 0).contains(&input.len())
    }

    fn ends(&self, input: &[u8], starts: &Ends) -> Ends {
        starts.iter().flat_map(|start| (self.0)(input, *start)).collect()
    }
}

/// `%x21-2B / %x2D`: one byte in one of the ranges, both ends included.
pub fn bytes(ranges: &'static [(u8, u8)]) -> Rule {
    Rule(Rc::new(move |input, at| {
        let found = input
            .get(at)
            .is_some_and(|byte| ranges.iter().any(|(first, last)| (*first..=*last).contains(byte)));
        found.then_some(at + 1).into_iter().collect()
    }))
}

/// `"text"`, but case-sensitive.
pub fn text(text: &'static str) -> Rule {
    Rule(Rc::new(move |input, at| {
        let found = input[at..].starts_with(text.as_bytes());
        found.then_some(at + text.len()).into_iter().collect()
    }))
}

/// `a b c`.
pub fn all<const N: usize>(rules: [Rule; N]) -> Rule {
    Rule(Rc::new(move |input, at| {
        rules.iter().fold(Ends::from([at]), |starts, rule| rule.ends(input, &starts))
    }))
}

/// `a / b / c`.
pub fn any<const N: usize>(rules: [Rule; N]) -> Rule {
    Rule(Rc::new(move |input, at| rules.iter().flat_map(|rule| (rule.0)(input, at)).collect()))
}

/// `least*most rule`.
pub fn repeat(least: usize, most: usize, rule: Rule) -> Rule {
    Rule(Rc::new(move |input, at| {
        let (mut ends, mut next) = (Ends::new(), Ends::from([at]));
        for count in 0..=most {
            if count >= least {
                ends.extend(&next);
            }
            next = rule.ends(input, &next);
            if next.is_empty() {
                break;
            }
        }
        ends
    }))
}

/// `[ rule ]`.
pub fn optional(rule: Rule) -> Rule {
    repeat(0, 1, rule)
}

/// `n rule`.
pub fn exactly(count: usize, rule: Rule) -> Rule {
    repeat(count, count, rule)
}

/// `OWS = *( SP / HTAB )`: RFC 9110, section 5.6.3.
pub fn ows() -> Rule {
    repeat(0, usize::MAX, bytes(&[(b' ', b' '), (b'\t', b'\t')]))
}

/// `token = 1*tchar`: RFC 9110, section 5.6.2.
pub fn token() -> Rule {
    const TCHAR: &[(u8, u8)] = &[
        (b'!', b'!'),
        (b'#', b'\''),
        (b'*', b'+'),
        (b'-', b'.'),
        (b'0', b'9'),
        (b'A', b'Z'),
        (b'^', b'z'),
        (b'|', b'|'),
        (b'~', b'~'),
    ];
    repeat(1, usize::MAX, bytes(TCHAR))
}

/// Lowercase hexadecimal digit.
pub fn hexdiglc() -> Rule {
    bytes(&[(b'0', b'9'), (b'a', b'f')])
}

/// Hexadecimal digit in either case.
pub fn hexdig() -> Rule {
    bytes(&[(b'0', b'9'), (b'a', b'f'), (b'A', b'F')])
}

/// Removes the optional whitespace around a field value.
pub fn without_ows(value: &[u8]) -> &[u8] {
    let is_ows = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_ows(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_ows(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}
