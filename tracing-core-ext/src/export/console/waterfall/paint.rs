use std::collections::BTreeMap;

use super::span::WaterfallSpan;

/// All colours but red, which marks errors.
const COLORS: [u8; 10] = [36, 35, 33, 32, 34, 96, 95, 93, 92, 94];

/// Switch for colours on a terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Painter(pub(super) bool);

impl Painter {
    pub(super) fn bold(self, text: &str) -> String {
        self.with(1, text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with(2, text)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.with(31, text)
    }

    /// `code` is a parameter of the control sequence "Select Graphic Rendition", ECMA-48, 8.3.117.
    pub(super) fn with(self, code: u8, text: &str) -> String {
        match self.0 && !text.is_empty() {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}

/// Colour of each service of a trace.
pub(super) struct Colors<'a>(BTreeMap<&'a str, u8>);

impl<'a> Colors<'a> {
    /// Assigns each service the same colour in every trace, unless another service of this trace
    /// has it already.
    pub(super) fn of(spans: &'a [WaterfallSpan]) -> Self {
        let mut colors = BTreeMap::new();
        for span in spans {
            if !colors.contains_key(&*span.service) {
                let color = unused_color(&span.service, &colors);
                colors.insert(&*span.service, color);
            }
        }
        Self(colors)
    }

    pub(super) fn color(&self, service: &str) -> u8 {
        self.0.get(service).copied().unwrap_or(COLORS[0])
    }
}

fn unused_color(service: &str, taken: &BTreeMap<&str, u8>) -> u8 {
    let sum: usize = service.bytes().map(usize::from).sum();
    let candidates = || COLORS.iter().cycle().skip(sum % COLORS.len()).take(COLORS.len());
    let is_free = |color: &&u8| !taken.values().any(|taken| taken == *color);
    candidates().find(is_free).or(candidates().next()).copied().unwrap_or(COLORS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_services_share_a_colour_while_there_are_enough() {
        let mut taken = BTreeMap::new();
        let names: Vec<_> = (0..COLORS.len()).map(|number| format!("service-{number}")).collect();
        for name in &names {
            let color = unused_color(name, &taken);
            assert!(taken.values().all(|taken| *taken != color), "{name}");
            taken.insert(name, color);
        }
        assert!(COLORS.contains(&unused_color("one-too-many", &taken)));
    }
}
