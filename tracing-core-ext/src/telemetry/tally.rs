/// The fate of every sampled span that has ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) ended: u64,
    pub(super) delivered: u64,
    pub(super) dropped: u64,
    pub(super) failed: u64,
    /// Those of the failed that the destination did not want.
    pub(super) rejected: u64,
    pub(super) last_error: Option<String>,
}

impl Tally {
    pub(super) fn lost(&self) -> u64 {
        self.ended.saturating_sub(self.delivered)
    }

    pub(super) fn waiting(&self) -> u64 {
        self.lost().saturating_sub(self.dropped + self.failed)
    }
}
