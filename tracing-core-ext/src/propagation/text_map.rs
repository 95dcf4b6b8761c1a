//! Adapters between the header traits of this crate and the carriers of the OpenTelemetry API.

use http::HeaderName;
use opentelemetry::propagation::{Extractor, Injector};

use super::headers::{Headers, HeadersMut};

/// Adapter with which other propagators extract from [`Headers`].
pub(super) struct HeadersExtractor<'a, H>(pub(super) &'a H);

impl<H: Headers> Extractor for HeadersExtractor<'_, H> {
    fn get(&self, key: &str) -> Option<&str> {
        let name = HeaderName::from_bytes(key.as_bytes()).ok()?;
        let value = self.0.values(&name).next()?;
        str::from_utf8(value).ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.names().collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let name = HeaderName::from_bytes(key.as_bytes()).ok()?;
        let values = self.0.values(&name);
        let values: Vec<_> = values.filter_map(|value| str::from_utf8(value).ok()).collect();
        (!values.is_empty()).then_some(values)
    }
}

/// Adapter with which other propagators inject into [`HeadersMut`].
pub(super) struct HeadersInjector<'a, H>(pub(super) &'a mut H);

impl<H: HeadersMut> Injector for HeadersInjector<'_, H> {
    fn set(&mut self, key: &str, value: String) {
        if let Ok(name) = HeaderName::from_bytes(key.as_bytes()) {
            self.0.set(&name, value.as_bytes());
        }
    }
}

/// Adapter with which propagators of this crate extract from other carriers.
pub(super) struct ExtractorHeaders<'a>(pub(super) &'a dyn Extractor);

impl Headers for ExtractorHeaders<'_> {
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let values = self.0.get_all(name.as_str()).unwrap_or_default();
        values.into_iter().map(str::as_bytes)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().into_iter()
    }
}

/// Adapter with which propagators of this crate inject into other carriers.
pub(super) struct InjectorHeaders<'a>(pub(super) &'a mut dyn Injector);

impl HeadersMut for InjectorHeaders<'_> {
    fn set(&mut self, name: &HeaderName, value: &[u8]) {
        if let Ok(value) = str::from_utf8(value) {
            self.0.set(name.as_str(), value.to_owned());
        }
    }

    /// A carrier of the OpenTelemetry API has one value for each field.
    fn append(&mut self, name: &HeaderName, value: &[u8]) {
        self.set(name, value);
    }

    /// A carrier of the OpenTelemetry API cannot remove fields.
    fn remove(&mut self, _name: &HeaderName) {}

    fn remove_prefix(&mut self, _prefix: &str) {}
}
