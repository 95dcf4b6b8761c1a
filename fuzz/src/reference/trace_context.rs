//! W3C Trace Context, Level 2.

use crate::grammar::{Rule, all, any, bytes, exactly, hexdiglc, repeat, text, without_ows};

/// Fields of a `traceparent`, in lowercase digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    pub trace_id: String,
    pub parent_id: String,
    /// Sampled and random: other flags "MUST be ignored".
    pub flags: u8,
}

/// Parses a `traceparent`:
///
/// ```abnf
/// value          = version "-" version-format
/// version        = 2HEXDIGLC
/// version-format = trace-id "-" parent-id "-" trace-flags
/// trace-id       = 32HEXDIGLC
/// parent-id      = 16HEXDIGLC
/// trace-flags    = 2HEXDIGLC
/// ```
///
/// "Version 255 is invalid", ids of zeroes are invalid, and a later version may go on after a dash.
pub fn traceparent(value: &[u8]) -> Option<TraceParent> {
    let (known, rest) = value.split_at_checked(55)?;
    let fields = all([
        exactly(2, hexdiglc()),
        text("-"),
        exactly(32, hexdiglc()),
        text("-"),
        exactly(16, hexdiglc()),
        text("-"),
        exactly(2, hexdiglc()),
    ]);
    if !fields.matches(known) {
        return None;
    }
    let known = str::from_utf8(known).expect("digits and dashes");
    let fields: Vec<&str> = known.split('-').collect();
    let [version, trace_id, parent_id, flags] = fields[..] else { panic!("{known}") };
    let goes_on_well = match version {
        "00" => rest.is_empty(),
        "ff" => false,
        _ => rest.is_empty() || rest.starts_with(b"-"),
    };
    let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
    if !goes_on_well || is_zero(trace_id) || is_zero(parent_id) {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).expect("two digits");
    Some(TraceParent {
        trace_id: trace_id.to_owned(),
        parent_id: parent_id.to_owned(),
        flags: flags & 3,
    })
}

/// ```abnf
/// key      = ( lcalpha / DIGIT ) 0*255 ( keychar )
/// keychar  = lcalpha / DIGIT / "_" / "-"/ "*" / "/" / "@"
/// value    = 0*255(chr) nblk-chr
/// nblk-chr = %x21-2B / %x2D-3C / %x3E-7E
/// chr      = %x20 / nblk-chr
/// ```
fn list_member() -> Rule {
    const FIRST: &[(u8, u8)] = &[(b'a', b'z'), (b'0', b'9')];
    const KEYCHAR: &[(u8, u8)] = &[
        (b'a', b'z'),
        (b'0', b'9'),
        (b'_', b'_'),
        (b'-', b'-'),
        (b'*', b'*'),
        (b'/', b'/'),
        (b'@', b'@'),
    ];
    let nblk_chr = bytes(&[(0x21, 0x2b), (0x2d, 0x3c), (0x3e, 0x7e)]);
    let chr = any([bytes(&[(0x20, 0x20)]), nblk_chr.clone()]);
    let key = all([bytes(FIRST), repeat(0, 255, bytes(KEYCHAR))]);
    let value = all([repeat(0, 255, chr), nblk_chr]);
    all([key, text("="), value])
}

/// Returns the list that a service sends on, or `None` if there is none: several fields are one list,
/// "a maximum of 32 list-members", members may be empty, and an invalid list is dropped.
///
/// This crate keeps the first member of each key, and at most 4,096 bytes: it removes members of over
/// 128 bytes from the end, then others from the end.
pub fn tracestate(lines: &[&[u8]]) -> Option<String> {
    let rule = list_member();
    let list = lines.join(&b',');
    let members = list.split(|byte| *byte == b',').map(without_ows);
    let members: Vec<_> = members.filter(|member| !member.is_empty()).collect();
    if members.len() > 32 || !members.iter().all(|member| rule.matches(member)) {
        return None;
    }
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for member in members {
        let member = str::from_utf8(member).expect("ASCII");
        let key = member.split('=').next().expect("a key");
        if kept.iter().all(|(other, _)| *other != key) {
            kept.push((key, member));
        }
    }
    let joined = |kept: &[(&str, &str)]| {
        kept.iter().map(|(_, member)| *member).collect::<Vec<_>>().join(",")
    };
    while joined(&kept).len() > 4096 {
        let long = kept.iter().rposition(|(_, member)| member.len() > 128);
        kept.remove(long.unwrap_or(kept.len() - 1));
    }
    Some(joined(&kept)).filter(|list| !list.is_empty())
}
