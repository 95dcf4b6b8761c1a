//! B3: <https://github.com/openzipkin/b3-propagation>.

use crate::grammar::{Rule, all, any, exactly, hexdiglc, optional, text, without_ows};

/// Ids and sampling state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct B3 {
    /// Trace id and span id as received.
    pub ids: Option<(String, String)>,
    /// `0`, `1`, `d`, or nothing if the decision is deferred.
    pub state: &'static str,
}

/// ```abnf
/// b3             = trace-id "-" span-id [ "-" sampling-state ] [ "-" parent-span-id ]
/// b3             =/ sampling-state
/// trace-id       = 32HEXDIGLC / 16HEXDIGLC
/// span-id        = 16HEXDIGLC
/// sampling-state = "0" / "1" / "d"
/// parent-span-id = 16HEXDIGLC
/// ```
fn single(value: &[u8]) -> Option<B3> {
    let state = any([text("0"), text("1"), text("d")]);
    let with_ids = all([
        trace_id(),
        text("-"),
        span_id(),
        optional(all([text("-"), state.clone()])),
        optional(all([text("-"), span_id()])),
    ]);
    if state.matches(value) {
        return Some(B3 { ids: None, state: of_state(value) });
    }
    if !with_ids.matches(value) {
        return None;
    }
    let fields: Vec<_> = value.split(|byte| *byte == b'-').collect();
    let ids = (not_zero(fields[0])?, not_zero(fields[1])?);
    let state = fields.get(2).filter(|field| field.len() == 1);
    Some(B3 { ids: Some(ids), state: state.map_or("", |state| of_state(state)) })
}

/// The fields `X-B3-TraceId`, `X-B3-SpanId`, `X-B3-Sampled` and `X-B3-Flags`. "Debug is encoded as
/// `X-B3-Flags: 1`"; "true" and "false" are the values of older clients. Ids come together, and
/// neither ids nor a decision are nothing.
fn multiple(fields: [Option<&[u8]>; 4]) -> Option<B3> {
    let [trace, span, sampled, flags] = fields;
    let state = match (sampled, flags) {
        (_, Some(b"1")) => "d",
        (None, _) => "",
        (Some(b"0" | b"false"), _) => "0",
        (Some(b"1" | b"true"), _) => "1",
        _ => return None,
    };
    match (trace, span) {
        (None, None) => (!state.is_empty()).then_some(B3 { ids: None, state }),
        (Some(trace), Some(span)) if trace_id().matches(trace) && span_id().matches(span) => {
            Some(B3 { ids: Some((not_zero(trace)?, not_zero(span)?)), state })
        }
        _ => None,
    }
}

/// The single header, or else the others. Of each field the first value counts.
pub fn extract(b3: Option<&[u8]>, fields: [Option<&[u8]>; 4]) -> Option<B3> {
    b3.map(without_ows).and_then(single).or_else(|| multiple(fields.map(|it| it.map(without_ows))))
}

fn trace_id() -> Rule {
    any([exactly(32, hexdiglc()), exactly(16, hexdiglc())])
}

fn span_id() -> Rule {
    exactly(16, hexdiglc())
}

fn of_state(state: &[u8]) -> &'static str {
    match state {
        b"0" => "0",
        b"1" => "1",
        _ => "d",
    }
}

/// Returns the digits of an id, or `None` for zeroes.
fn not_zero(digits: &[u8]) -> Option<String> {
    let digits = str::from_utf8(digits).ok()?;
    digits.bytes().any(|digit| digit != b'0').then(|| digits.to_owned())
}

impl B3 {
    /// Returns the single header that a service sends on.
    pub fn to_single(&self) -> String {
        let ids = self.ids.as_ref().map(|(trace, span)| format!("{trace:0>32}-{span}"));
        [ids, Some(self.state.to_owned()).filter(|state| !state.is_empty())]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("-")
    }
}
