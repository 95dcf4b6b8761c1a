//! Division of a request that is too large.

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{ResourceSpans, ScopeSpans},
};

pub(super) fn span_count(request: &ExportTraceServiceRequest) -> usize {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len()).sum()
}

/// Returns the two halves of the spans, in their order.
pub(super) fn halves(request: ExportTraceServiceRequest) -> [ExportTraceServiceRequest; 2] {
    let mut left = span_count(&request) / 2;
    let [mut first, mut second] = <[ExportTraceServiceRequest; 2]>::default();
    for mut resource in request.resource_spans {
        let rest = split_off(&mut resource, &mut left);
        for (half, part) in [(&mut first, resource), (&mut second, rest)] {
            if !part.scope_spans.is_empty() {
                half.resource_spans.push(part);
            }
        }
    }
    [first, second]
}

/// Keeps at most `left` spans, subtracts them, and returns the others.
fn split_off(resource: &mut ResourceSpans, left: &mut usize) -> ResourceSpans {
    let split_scope = |scope: &mut ScopeSpans| {
        let kept = scope.spans.len().min(*left);
        *left -= kept;
        let spans = scope.spans.split_off(kept);
        ScopeSpans { scope: scope.scope.clone(), spans, schema_url: scope.schema_url.clone() }
    };
    let mut scope_spans: Vec<_> = resource.scope_spans.iter_mut().map(split_scope).collect();
    scope_spans.retain(|scope| !scope.spans.is_empty());
    resource.scope_spans.retain(|scope| !scope.spans.is_empty());
    let schema_url = resource.schema_url.clone();
    ResourceSpans { resource: resource.resource.clone(), scope_spans, schema_url }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::{
        common::v1::InstrumentationScope, resource::v1::Resource, trace::v1::Span,
    };

    use super::*;

    fn scope(name: &str, spans: &[&str]) -> ScopeSpans {
        let span = |name: &&str| Span { name: (*name).to_owned(), ..Span::default() };
        let scope = InstrumentationScope { name: name.to_owned(), ..Default::default() };
        let spans = spans.iter().map(span).collect();
        ScopeSpans { scope: Some(scope), spans, schema_url: "scope".to_owned() }
    }

    fn request(scope_spans: Vec<ScopeSpans>) -> ExportTraceServiceRequest {
        let resource = Resource { dropped_attributes_count: 7, ..Resource::default() };
        let schema_url = "resource".to_owned();
        let resource = ResourceSpans { resource: Some(resource), scope_spans, schema_url };
        ExportTraceServiceRequest { resource_spans: vec![resource] }
    }

    #[test]
    fn each_half_has_the_resource_and_the_scopes_of_its_spans() {
        let whole = request(vec![scope("a", &["1"]), scope("b", &["2", "3", "4", "5"])]);
        let [first, second] = halves(whole);
        assert_eq!(first, request(vec![scope("a", &["1"]), scope("b", &["2"])]));
        assert_eq!(second, request(vec![scope("b", &["3", "4", "5"])]));
        let [first, second] = halves(request(vec![scope("a", &["1"]), scope("b", &["2"])]));
        assert_eq!(first, request(vec![scope("a", &["1"])]));
        assert_eq!(second, request(vec![scope("b", &["2"])]));
    }
}
