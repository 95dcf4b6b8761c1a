use std::{marker::PhantomData, sync::LazyLock};

use opentelemetry::trace::TracerProvider;
use tracing::Dispatch;
use tracing_subscriber::{Registry, layer::SubscriberExt};

use crate::{Framework, Provider, Server, Setup};

/// A framework below a plain OpenTelemetry layer of the SDK, whose span of every request becomes
/// the span of the exchange.
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

/// A second subscriber that exists as long as the process. With a single one, `tracing` caches the
/// interest of the thread that reaches a span first. That may be the thread of another test without
/// a subscriber.
static IDLE: LazyLock<Dispatch> = LazyLock::new(|| Registry::default().into());

/// Returns a subscriber with the layer of `tracing_opentelemetry`, without the attributes that it
/// adds to every span by default.
pub fn plain_subscriber(provider: &Provider) -> Dispatch {
    LazyLock::force(&IDLE);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("users"))
        .with_location(false)
        .with_threads(false)
        .with_target(false);
    Registry::default().with(layer).into()
}
