//! A secret in two halves, and the search for them.

use percent_encoding::percent_decode_str;

/// Halves of a secret, which no other part of an input contains, each in forms that a URL can have.
const HALVES: [[&str; 3]; 2] =
    [["hunter2", "%68unter2", "hunte%72%32"], ["swordfish", "%73wordfish", "sword%66is%68"]];

/// Returns a secret with `inner` in its middle, which may end a token of a parser.
pub fn secret(form: u8, inner: &str) -> String {
    let form = |half: usize| HALVES[half][usize::from(form) % HALVES[half].len()];
    format!("{}{inner}{}", form(0), form(1))
}

/// Whether a text contains a half of the secret, in any form.
pub fn is_leaked(text: &str) -> bool {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    HALVES.iter().any(|[half, ..]| text.contains(half) || decoded.contains(half))
}
