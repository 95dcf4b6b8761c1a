use crate::export::delivery::Counts;

/// Spans that did not arrive.
#[derive(Debug, Default)]
pub(super) struct BatchLoss {
    of_batch: u64,
    of_earlier_batches: u64,
    reason: Option<String>,
}

impl BatchLoss {
    pub(super) fn add(&mut self, spans: u64, reason: String) {
        self.of_batch += spans;
        self.explain(spans, reason);
    }

    pub(super) fn add_earlier(&mut self, spans: u64, reason: String) {
        self.of_earlier_batches += spans;
        self.explain(spans, reason);
    }

    /// Keeps the first reason.
    fn explain(&mut self, spans: u64, reason: String) {
        if spans > 0 {
            self.reason.get_or_insert(reason);
        }
    }

    /// Returns an error if exactly this batch is lost as a whole. Otherwise counts the lost spans
    /// as rejected.
    pub(super) fn report(self, batch: usize, counts: &Counts) -> Result<(), String> {
        let Some(reason) = self.reason else { return Ok(()) };
        if self.of_earlier_batches == 0 && self.of_batch == batch as u64 {
            return Err(reason);
        }
        counts.reject(self.of_batch + self.of_earlier_batches, reason);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(losses: BatchLoss, batch: usize) -> (Result<(), String>, bool) {
        let counts = Counts::new(8, 8, |_, _| {});
        let result = losses.report(batch, &counts);
        (result, counts.snapshot().last_error.is_some())
    }

    #[test]
    fn a_batch_without_losses_is_delivered() {
        let mut losses = BatchLoss::default();
        losses.add(0, "refused".to_owned());
        losses.add_earlier(0, "refused".to_owned());
        assert_eq!(reported(losses, 3), (Ok(()), false));
    }

    #[test]
    fn a_batch_lost_as_a_whole_has_failed_for_the_first_reason() {
        let mut losses = BatchLoss::default();
        losses.add(1, "too large".to_owned());
        losses.add(2, "refused".to_owned());
        assert_eq!(reported(losses, 3), (Err("too large".to_owned()), false));
    }

    #[test]
    fn a_part_of_a_batch_or_of_earlier_ones_is_counted_as_rejected() {
        let mut part = BatchLoss::default();
        part.add(2, "refused".to_owned());
        assert_eq!(reported(part, 3), (Ok(()), true));
        for batch in [0, 3] {
            let mut earlier = BatchLoss::default();
            earlier.add(batch as u64, "refused".to_owned());
            earlier.add_earlier(1, "refused".to_owned());
            assert_eq!(reported(earlier, batch), (Ok(()), true));
        }
    }
}
