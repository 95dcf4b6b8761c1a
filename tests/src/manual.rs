//! Code of the README and of the manual. It compiles here, because this package has the dependencies of both frameworks.

macro_rules! pages {
    ($($page:ident: $file:literal,)*) => {$(
        #[doc = include_str!(concat!("../../", $file))]
        struct $page;
    )*};
}

pages! {
    Readme: "README.md",
    Index: "tracing-core-ext/src/manual/index.md",
    Costs: "tracing-core-ext/src/manual/operation/costs.md",
    Endings: "tracing-core-ext/src/manual/operation/endings.md",
    Errors: "tracing-core-ext/src/manual/guide/errors.md",
    ExistingService: "tracing-core-ext/src/manual/start/existing_service.md",
    Exporters: "tracing-core-ext/src/manual/guide/exporters.md",
    FirstService: "tracing-core-ext/src/manual/start/first_service.md",
    Logs: "tracing-core-ext/src/manual/guide/logs.md",
    Losses: "tracing-core-ext/src/manual/operation/losses.md",
    Metrics: "tracing-core-ext/src/manual/guide/metrics.md",
    Migration: "tracing-core-ext/src/manual/start/migration.md",
    Options: "tracing-core-ext/src/manual/guide/options.md",
    Production: "tracing-core-ext/src/manual/operation/production.md",
    RunTime: "tracing-core-ext/src/manual/operation/run_time.md",
    Sampling: "tracing-core-ext/src/manual/guide/sampling.md",
    Security: "tracing-core-ext/src/manual/operation/security.md",
    Testing: "tracing-core-ext/src/manual/guide/testing.md",
    Troubleshooting: "tracing-core-ext/src/manual/operation/troubleshooting.md",
}
