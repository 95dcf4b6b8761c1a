use std::{marker::PhantomData, sync::LazyLock};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
use tracing_subscriber::{Registry, layer::SubscriberExt};

use crate::{Framework, Server, Setup};

/// A framework below a plain OpenTelemetry layer, which captures the `tracing` span of every request.
#[derive(Debug)]
pub struct WithOtelLayer<F>(PhantomData<F>);

impl<F: Framework> Framework for WithOtelLayer<F> {
    async fn serve(mut setup: Setup) -> Server {
        if setup.has_sdk {
            setup.subscriber = plain_subscriber(&setup.provider);
        }
        F::serve(setup).await
    }
}

/// A second subscriber, for as long as the process lives. With a single one `tracing` asks whichever thread reaches a span
/// first whether anybody wants it, and that thread may be another test's, which has none.
static IDLE: LazyLock<Dispatch> = LazyLock::new(|| Registry::default().into());

/// A subscriber with the layer of `tracing_opentelemetry`, less the attributes it would add to every span.
pub fn plain_subscriber(provider: &SdkTracerProvider) -> Dispatch {
    LazyLock::force(&IDLE);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("users"))
        .with_location(false)
        .with_threads(false)
        .with_target(false);
    Registry::default().with(layer).into()
}
