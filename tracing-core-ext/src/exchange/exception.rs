use std::{any, error::Error};

use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt},
};

use crate::semconv::names;

/// Marks the span in `context` as failed and describes `error`.
pub(super) fn record_error<E: Error + ?Sized>(context: &Context, error: &E) {
    let span = context.span();
    if !span.is_recording() {
        return;
    }
    let message = error.to_string();
    let mut attributes = vec![KeyValue::new(names::EXCEPTION_MESSAGE, message.clone())];
    let name = any::type_name::<E>();
    if !name.starts_with("dyn ") {
        attributes.push(KeyValue::new(names::EXCEPTION_TYPE, name));
    }
    span.add_event(names::EXCEPTION, attributes);
    span.set_status(Status::error(message));
}
