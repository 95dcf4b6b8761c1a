use std::{marker::PhantomData, sync::LazyLock};

use opentelemetry::trace::TracerProvider;
use tracing::Dispatch;
use tracing_subscriber::{Registry, layer::SubscriberExt};

use crate::{Framework, Provider, Server, Setup};

/// A framework below a plain OpenTelemetry layer of the SDK, whose span of every request becomes the exchange's.
#[derive(Debug)]
pub struct WithOtelLayer<F>(PhantomData<F>);

impl<F: Framework> Framework for WithOtelLayer<F> {
    async fn serve(mut setup: Setup) -> Server {
        if let Some(sink) = setup.sink.as_ref().filter(|_| setup.has_sdk) {
            setup.provider = sink.sdk_provider().into();
            setup.subscriber = plain_subscriber(&setup.provider);
        }
        F::serve(setup).await
    }
}

/// A second subscriber, for as long as the process lives. With a single one `tracing` asks whichever thread reaches a span
/// first whether anybody wants it, and that thread may be another test's, which has none.
static IDLE: LazyLock<Dispatch> = LazyLock::new(|| Registry::default().into());

/// A subscriber with the layer of `tracing_opentelemetry`, less the attributes it would add to every span.
pub fn plain_subscriber(provider: &Provider) -> Dispatch {
    LazyLock::force(&IDLE);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("users"))
        .with_location(false)
        .with_threads(false)
        .with_target(false);
    Registry::default().with(layer).into()
}
