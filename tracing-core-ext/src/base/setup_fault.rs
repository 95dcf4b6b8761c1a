//! Set-ups in which a middleware or client runs but has less effect than expected. Each is logged once per process.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use tracing::{dispatcher, subscriber::NoSubscriber};

static LOGGED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

#[derive(Clone, Copy, Debug)]
pub(crate) enum SetupFault {
    /// The provider of a middleware or client creates no spans.
    NoProvider,
    /// The provider of a middleware or client was shut down or dropped.
    ShutDown,
    /// The subscriber does not expose our layer.
    HiddenLayer,
}

impl SetupFault {
    /// Logs the warning once, as soon as there is a subscriber.
    #[cold]
    pub(crate) fn warn(self) {
        let logged = &LOGGED[self as usize];
        if !logged.load(Ordering::Relaxed)
            && has_subscriber()
            && !logged.swap(true, Ordering::Relaxed)
        {
            tracing::warn!("{self}");
        }
    }

    /// Suppresses the warning, because another one is logged about the same fault.
    pub(crate) fn skip(self) {
        LOGGED[self as usize].store(true, Ordering::Relaxed);
    }
}

/// Whether this thread has a subscriber.
pub(crate) fn has_subscriber() -> bool {
    dispatcher::has_been_set() && dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>())
}

impl fmt::Display for SetupFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProvider => {
                "a middleware or client has no tracer provider and records nothing: before it is built, call install() or \
                 install_without_subscriber() of Telemetry::builder(), or pass tracer_provider(telemetry.tracer_provider()) \
                 and propagator(telemetry.propagator().clone()) to its builder; build() installs nothing"
            }
            Self::ShutDown => {
                "the tracer provider of a middleware or client was shut down or dropped, so nothing is recorded: keep the \
                 value that install() returns until the last request has ended; `let _ = …` drops it at once"
            }
            Self::HiddenLayer => {
                "exchange::layer() is inside of tracing_subscriber::reload::Layer, or of another layer that hides it: \
                 OpenTelemetrySpanExt has no effect there; put only the filter into reload::Layer"
            }
        })
    }
}
