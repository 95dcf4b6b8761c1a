//! Set-ups in which a middleware or client runs and does less than it should. Each is logged once per process.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use tracing::{dispatcher, subscriber::NoSubscriber};

static LOGGED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

#[derive(Clone, Copy, Debug)]
pub(crate) enum SetupFault {
    /// The provider of a middleware or client makes no spans.
    NoProvider,
    /// The provider of a middleware or client was shut down or dropped.
    ShutDown,
    /// The subscriber does not show that it has our layer.
    HiddenLayer,
}

impl SetupFault {
    /// Logs a warning the first time that there is a subscriber.
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

    /// Logs nothing later, because something else is logged about it.
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
