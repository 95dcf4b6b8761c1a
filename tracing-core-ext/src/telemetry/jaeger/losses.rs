use crate::telemetry::delivery::Delivery;

/// Spans of one export that did not arrive.
#[derive(Debug, Default)]
pub(super) struct Losses {
    spans: u64,
    reason: Option<String>,
}

impl Losses {
    /// The first reason is kept.
    pub(super) fn add(&mut self, spans: u64, reason: String) {
        self.spans += spans;
        if spans > 0 {
            self.reason.get_or_insert(reason);
        }
    }

    pub(super) fn tell(self, delivery: &Delivery) {
        if let Some(reason) = self.reason {
            delivery.reject(self.spans, reason);
        }
    }
}
