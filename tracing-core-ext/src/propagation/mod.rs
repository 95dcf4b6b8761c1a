//! Taking over the trace of whoever calls, and handing it on to whoever is called.
//!
//! ```
//! use http::HeaderMap;
//! use opentelemetry::trace::TraceContextExt;
//! use tracing_core_ext::propagation::Propagator;
//!
//! let propagator = Propagator::w3c();
//!
//! let mut inbound = HeaderMap::new();
//! inbound.insert(
//!     "traceparent",
//!     "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse()?,
//! );
//! let cx = propagator.extract(&inbound);
//! assert_eq!(
//!     cx.span().span_context().trace_id().to_string(),
//!     "0af7651916cd43dd8448eb211c80319c"
//! );
//!
//! let mut outbound = HeaderMap::new();
//! propagator.inject(&cx, &mut outbound);
//! assert_eq!(outbound["traceparent"], inbound["traceparent"]);
//! # Ok::<(), http::header::InvalidHeaderValue>(())
//! ```
//!
//! [`Propagator`] is what a layer or a client holds: it is resolved once, when that is built.
//! Where it speaks W3C it is a [`W3cPropagator`], which reads [`Headers`] as bytes, without
//! intermediate strings and by the letter of W3C Trace Context Level 2 and W3C Baggage. Whatever
//! the network sends, extraction answers with a context: one that continues the caller's trace,
//! or one in which a new trace starts.
//!
//! A span that is not recorded, or made without an SDK, hands on the trace all the same, with the
//! caller's `tracestate` as it came, the random flag of its trace id and the debug flag of B3 and
//! Jaeger. Where it is known beforehand that no span will be recorded, nobody reads the list: it
//! travels beside the span, whose own `TraceState` is empty, and the propagators of this crate
//! send it on. Where a global propagator of others was found, which could not, it is read.
//!
//! # Other formats
//!
//! Services that speak [B3](B3Propagator) or [Jaeger](JaegerPropagator) stay connected when
//! `OTEL_PROPAGATORS` names these, which
//! [`Telemetry::install`](crate::telemetry::TelemetryBuilder::install) obeys. In code it is a
//! [`CompositePropagator`], for a single layer too:
//!
//! ```
//! use tracing_core_ext::exchange::{Builder, Instrumentation};
//! use tracing_core_ext::propagation::CompositePropagator;
//!
//! let instrumentation: Instrumentation = Builder::new("my-framework", "1.0.0")
//!     .propagator("tracecontext,b3".parse::<CompositePropagator>()?)
//!     .build();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is kept of the network's bytes
//!
//! | field | limit | beyond it |
//! | --- | --- | --- |
//! | `traceparent` | one value; 55 bytes, what a later version adds is ignored | the trace restarts |
//! | `tracestate` | 32 members | dropped, as every list that is not valid |
//! | `tracestate` | 4,096 bytes | members over 128 bytes go first, then the last ones |
//! | `baggage` | 64 members, 8,192 bytes | the last members go |
//! | `b3`, `X-B3-…` | the first value, of fixed width | the other form is read, else the trace restarts |
//! | `uber-trace-id` | one value; 32, 16, 16 and 2 digits | the trace restarts |
//! | `uberctx-…` | 64 entries, 8,192 bytes decoded | the last entries go |

mod b3;
mod b3_context;
mod composite;
pub(crate) mod extracted;
pub(crate) mod headers;
mod hex;
mod jaeger;
pub(crate) mod propagator;
mod text_map;
pub(crate) mod w3c;

pub use self::{
    b3::B3Propagator,
    composite::{CompositePropagator, CompositePropagatorError},
    headers::{HeaderValues, Headers, HeadersMut},
    jaeger::JaegerPropagator,
    propagator::Propagator,
    w3c::{
        W3cPropagator,
        traceparent::{TraceParent, TraceParentError},
    },
};
