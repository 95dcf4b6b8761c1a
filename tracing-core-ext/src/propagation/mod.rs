//! Propagation of trace context and baggage: extraction from received headers, and injection into
//! headers that are sent.
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
//! A layer or a client has a [`Propagator`], which is resolved once, when it is built. For the W3C
//! formats it is a [`W3cPropagator`]. It parses [`Headers`] as bytes, without intermediate strings,
//! by W3C Trace Context Level 2 and W3C Baggage. Extraction returns a context for any input: one that
//! continues the caller's trace, or one in which a new trace starts.
//!
//! A span that is not recorded, or that has no SDK, still propagates the trace: the caller's
//! `tracestate` unchanged, the random flag of the trace id, and the debug flag of B3 and Jaeger. If no
//! span will be recorded, the list is not parsed. It is stored beside the span, whose `TraceState` is
//! empty, and the propagators of this crate inject it. If a global propagator of another crate was
//! found, which cannot do that, the list is parsed.
//!
//! # Other formats
//!
//! Services with [B3](B3Propagator) or [Jaeger](JaegerPropagator) stay connected if
//! `OTEL_PROPAGATORS` contains these formats, which
//! [`Telemetry::install`](crate::telemetry::TelemetryBuilder::install) reads. In code a
//! [`CompositePropagator`] selects them, also for a single layer:
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
//! # Limits of received fields
//!
//! | field | limit | beyond it |
//! | --- | --- | --- |
//! | `traceparent` | one value; 55 bytes, additions of a later version are ignored | a new trace starts |
//! | `tracestate` | 32 members | dropped, like every invalid list |
//! | `tracestate` | 4,096 bytes | members over 128 bytes are dropped first, then the last ones |
//! | `baggage` | 64 members, 8,192 bytes | the last members are dropped |
//! | `b3`, `X-B3-…` | the first value, of fixed width | the other form is used, or else a new trace starts |
//! | `uber-trace-id` | one value; 32, 16, 16 and 2 digits | a new trace starts |
//! | `uberctx-…` | 64 entries, 8,192 bytes decoded | the last entries are dropped |

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
