//! Order of baggage members, which a [`Baggage`] does not keep.

use opentelemetry::{
    Context, Key, StringValue,
    baggage::{Baggage, BaggageExt, BaggageMetadata},
};

/// Keys of the received members in order, each followed by a comma. No key contains a comma.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BaggageOrder(String);

/// Baggage received from a caller.
#[derive(Debug)]
pub(crate) struct ReceivedBaggage {
    pub(crate) baggage: Baggage,
    pub(crate) order: BaggageOrder,
}

/// Key, value and metadata of a member.
pub(super) type Member<'a> = (&'a Key, &'a (StringValue, BaggageMetadata));

impl BaggageOrder {
    /// Returns the order that is stored in `cx`.
    pub(crate) fn of(cx: &Context) -> Option<&Self> {
        cx.get()
    }

    /// Appends the key of the next member.
    pub(super) fn push(&mut self, key: &str) {
        self.0.push_str(key);
        self.0.push(',');
    }

    fn position(&self, key: &Key) -> Option<usize> {
        self.0.split_terminator(',').position(|known| known == key.as_str())
    }
}

/// Converts baggage of a format without an order.
impl From<Baggage> for ReceivedBaggage {
    fn from(baggage: Baggage) -> Self {
        Self { baggage, order: BaggageOrder::default() }
    }
}

impl ReceivedBaggage {
    /// Returns `cx` with this baggage.
    pub(crate) fn into_context(self, cx: &Context) -> Context {
        let has_order = self.baggage.len() > 1 && !self.order.0.is_empty();
        let cx = cx.with_baggage(self.baggage);
        if has_order { cx.with_value(self.order) } else { cx }
    }
}

/// Returns the received members in their order, then the added members sorted by key.
pub(super) fn in_order<'a>(baggage: &'a Baggage, order: Option<&BaggageOrder>) -> Vec<Member<'a>> {
    let mut members: Vec<_> = baggage.iter().collect();
    members.sort_by_cached_key(|(key, _)| {
        let position = order.and_then(|order| order.position(key));
        (position.unwrap_or(usize::MAX), (*key).clone())
    });
    members
}
