//! Prints decisions of samplers about 10,000 trace IDs, for `tests/backends/go_sampling`, which compares them with those of
//! other implementations.

use std::io::{self, BufWriter, Write};

use opentelemetry::{
    Context, TraceId,
    trace::{SpanContext, SpanKind, TraceContextExt, TraceFlags, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample};
use tracing_core_ext::trace::{ParentBased, Sampler};

const IDS: usize = 10_000;
const RATIOS: [f64; 9] = [0.0, 1e-6, 0.001, 0.1, 1.0 / 3.0, 0.5, 0.75, 0.999, 1.0];
const PARENTS: [&str; 5] = ["none", "remote+", "remote-", "local+", "local-"];

fn main() -> io::Result<()> {
    let mut output = BufWriter::new(io::stdout().lock());
    let ids = trace_ids();
    for id in &ids {
        writeln!(output, "id {id}")?;
    }
    for (name, sampler) in samplers() {
        for parent in PARENTS {
            let decisions = decisions(&sampler, parent, &ids);
            writeln!(output, "decisions {name} {parent} {decisions}")?;
        }
    }
    // Near 1 the Collector has more digits than the specification.
    let ratios = RATIOS.into_iter().filter(|ratio| !(0.9..1.0).contains(ratio));
    for ratio in (1..=400).map(|divisor| 1.0 / f64::from(divisor * divisor)).chain(ratios) {
        let Some(threshold) = threshold(ratio) else { continue };
        let sampler = Sampler::probability(ratio).expect("a valid ratio");
        writeln!(output, "threshold {ratio} {threshold} {}", decisions(&sampler, "none", &ids))?;
    }
    output.flush()
}

/// Returns the same IDs in each run: numbers of splitmix64, and IDs at the borders of ratios.
fn trace_ids() -> Vec<TraceId> {
    let mut state = 0_u64;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let borders = [1, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 55, (1 << 55) - 1, (1 << 56) - 1];
    let borders = borders.into_iter().map(u128::from);
    let random = std::iter::repeat_with(|| u128::from(next()) << 64 | u128::from(next()));
    borders.chain(random).take(IDS).map(TraceId::from).collect()
}

/// Returns samplers, each with the name that the other side parses.
fn samplers() -> Vec<(String, Sampler)> {
    let mut samplers = vec![
        ("always_on".to_owned(), Sampler::always_on()),
        ("always_off".to_owned(), Sampler::always_off()),
    ];
    samplers.extend(RATIOS.map(|ratio| (format!("ratio:{ratio}"), Sampler::trace_id_ratio(ratio))));
    let plain = samplers.clone();
    for (name, root) in plain {
        let name = format!("parent({name},always_on,always_off,always_on,always_off)");
        samplers.push((name, Sampler::parent_based(root)));
    }
    let ratio = Sampler::trace_id_ratio;
    let mixed = ParentBased::new(ratio(0.1))
        .remote_parent_sampled(ratio(0.5))
        .remote_parent_not_sampled(ratio(0.25))
        .local_parent_sampled(ratio(0.9))
        .local_parent_not_sampled(ratio(0.001));
    let name = "parent(ratio:0.1,ratio:0.5,ratio:0.25,ratio:0.9,ratio:0.001)".to_owned();
    samplers.push((name, mixed.into()));
    samplers
}

fn decisions(sampler: &Sampler, parent: &str, ids: &[TraceId]) -> String {
    ids.iter().map(|id| if is_sampled(sampler, parent, *id) { '1' } else { '0' }).collect()
}

fn is_sampled(sampler: &Sampler, parent: &str, id: TraceId) -> bool {
    let flags = TraceFlags::default().with_sampled(parent.ends_with('+'));
    let is_remote = parent.starts_with("remote");
    let span = SpanContext::new(id, 9.into(), flags, is_remote, TraceState::NONE);
    let cx = match parent {
        "none" => Context::new(),
        _ => Context::new().with_remote_span_context(span),
    };
    let result = sampler.should_sample(Some(&cx), id, "span", &SpanKind::Server, &[], &[]);
    result.decision == SamplingDecision::RecordAndSample
}

/// Returns `th` of a ratio, or `None` if it samples nothing. The last ID is sampled by every other ratio.
fn threshold(ratio: f64) -> Option<String> {
    let sampler = Sampler::probability(ratio).expect("a valid ratio");
    let id = TraceId::from(u128::MAX);
    let result = sampler.should_sample(None, id, "span", &SpanKind::Server, &[], &[]);
    Some(result.trace_state.get("ot")?.strip_prefix("th:")?.to_owned())
}
