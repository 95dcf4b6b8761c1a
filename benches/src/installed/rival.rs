//! The fastest other middleware of both frameworks, with the SDK and its exporter.

use opentelemetry::global;
use opentelemetry_instrumentation_actix_web::RequestTracing;
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::level_filters::LevelFilter;

use super::{Export, Result};
use crate::{
    Framework, Site,
    servers::{actix, axum},
};

pub(super) fn installed(framework: Framework) -> Result<(Site, Box<dyn Export>)> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_writer(std::io::stderr).init();
    built(framework)
}

pub(super) fn built(framework: Framework) -> Result<(Site, Box<dyn Export>)> {
    let exporter =
        SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).build()?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    global::set_tracer_provider(provider.clone());
    global::set_text_map_propagator(TraceContextPropagator::new());
    Ok((site(framework)?, Box::new(provider)))
}

fn site(framework: Framework) -> Result<Site> {
    if framework == Framework::Actix {
        return Ok(actix::connected(|| actix::app().wrap(RequestTracing::new())));
    }
    let layer = LayerBuilder::builder().with_metrics(false).build()?;
    Ok(axum::connected(|router| router.layer(layer)))
}
