use crate::{
    Framework::{self, Actix, Axum, ClientChain, Parts, Reqwest},
    Mode::{self, *},
    Role, Site, Subject,
    client::{chain, loopback},
    parts::{self, samplers},
    rig::Rig,
    servers::{actix, axum},
};

/// All measured subjects.
pub static SUBJECTS: &[Subject] = &[
    bare(Axum, UNTRACED, axum::bare),
    reference(Axum, "a layer that does nothing", &[Sampled], axum::nothing),
    reference(Axum, "span by hand, ten attributes", &[Sampled, Unsampled], axum::by_hand),
    ours(Axum, SERVER_OF_OURS, axum::ours),
    reference(Axum, "ours, by the global provider", &[Sampled, Unsampled], axum::ours_global),
    rival(Axum, "opentelemetry-instrumentation-tower", SERVER, axum::otel_tower),
    rival(Axum, "axum-tracing-opentelemetry", SERVER_OF_TRACING, axum::axum_tracing),
    rival(Axum, "tower-otel", SERVER, axum::tower_otel),
    bare(Actix, UNTRACED, actix::bare),
    ours(Actix, SERVER_OF_OURS, actix::ours),
    rival(Actix, "opentelemetry-instrumentation-actix-web", SERVER, actix::otel_actix),
    rival(Actix, "tracing-actix-web", SERVER_OF_TRACING, actix::tracing_actix),
    bare(ClientChain, &[Sampled], chain::bare),
    ours(ClientChain, CLIENT, chain::ours),
    rival(ClientChain, "reqwest-tracing", CLIENT, chain::reqwest_tracing),
    bare(Reqwest, &[Sampled], loopback::bare),
    ours(Reqwest, CLIENT, loopback::ours),
    rival(Reqwest, "reqwest-tracing", CLIENT, loopback::reqwest_tracing),
    part("extract", &[Sampled, SampledTracestate], parts::extract),
    part("inject", &[Sampled, SampledTracestate], parts::inject),
    part("start", &[Sampled, Unsampled], parts::start),
    part("finish", &[Sampled, Unsampled], parts::finish),
    part(EXCHANGE, EXCHANGES, parts::exchange),
    Subject { over: Some(EXCHANGE), ..part("recording metrics", &[Metrics], parts::exchange) },
    part("exchange, parent-based", &[Sampled, SampledTracestate], samplers::parent_based),
    part("exchange, trace id ratio", &[Unsampled], samplers::trace_id_ratio),
    part("exchange, probability", SAMPLERS, samplers::probability),
    part("exchange, parent threshold", &[Sampled, SampledTracestate], samplers::parent_threshold),
    part("exchange, rule by path", SAMPLERS, samplers::rule_by_path),
    part("exchange, ten rules by attribute", &[Sampled], samplers::rules_by_attribute),
    part("exchange, rate limit", &[Sampled, Unsampled], samplers::rate_limit),
    part("exchange, retention", &[Unsampled], samplers::retention),
    part("exchange, replaced sampler", &[Sampled, Unsampled], samplers::replaced),
];

const BARE: &str = "bare";

const EXCHANGE: &str = "exchange";

const UNTRACED: &[Mode] = &[Sampled, SampledTracestate, Frames];

const EXCHANGES: &[Mode] = &[Sampled, SampledTracestate, Unsampled, UnsampledTracestate, NoSdk];

const SAMPLERS: &[Mode] = &[Sampled, SampledTracestate, Unsampled, UnsampledTracestate];

const SERVER: &[Mode] =
    &[Sampled, SampledTracestate, Unsampled, UnsampledTracestate, NoSdk, Metrics, Frames];

const SERVER_OF_OURS: &[Mode] = &[
    Sampled,
    SampledTracestate,
    Unsampled,
    UnsampledTracestate,
    NoSdk,
    Metrics,
    Subscribed,
    Frames,
];

/// These crates have no metrics, and use the subscriber in every mode.
const SERVER_OF_TRACING: &[Mode] =
    &[Sampled, SampledTracestate, Unsampled, UnsampledTracestate, NoSdk, Subscribed, Frames];

const CLIENT: &[Mode] = &[Sampled, Unsampled, NoSdk];

type Build = fn(&Rig) -> Site;

const fn bare(framework: Framework, modes: &'static [Mode], build: Build) -> Subject {
    Subject { name: BARE, framework, role: Role::Bare, over: None, modes, build }
}

const fn ours(framework: Framework, modes: &'static [Mode], build: Build) -> Subject {
    Subject { name: "ours", framework, role: Role::Ours, over: Some(BARE), modes, build }
}

const fn rival(
    framework: Framework,
    name: &'static str,
    modes: &'static [Mode],
    build: Build,
) -> Subject {
    Subject { name, framework, role: Role::Rival, over: Some(BARE), modes, build }
}

const fn reference(
    framework: Framework,
    name: &'static str,
    modes: &'static [Mode],
    build: Build,
) -> Subject {
    Subject { role: Role::Reference, ..rival(framework, name, modes, build) }
}

const fn part(name: &'static str, modes: &'static [Mode], build: Build) -> Subject {
    Subject { name, framework: Parts, role: Role::Ours, over: None, modes, build }
}
