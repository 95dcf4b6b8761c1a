use std::sync::LazyLock;

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};

/// A propagator of another format: it propagates the field `x-shout`, and changes it at every hop.
#[derive(Clone, Copy, Debug)]
pub struct CustomPropagator;

#[derive(Debug)]
struct Heard(String);

impl TextMapPropagator for CustomPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        if let Some(Heard(text)) = cx.get() {
            injector.set("x-shout", format!("{text}!"));
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        match extractor.get("x-shout") {
            Some(text) => cx.with_value(Heard(text.to_owned())),
            None => cx.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| ["x-shout".to_owned()]);
        FieldIter::new(&*FIELDS)
    }
}
