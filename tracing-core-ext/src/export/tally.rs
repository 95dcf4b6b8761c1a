/// The fate of every sampled span that has ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) ended: u64,
    pub(crate) delivered: u64,
    pub(crate) dropped: u64,
    pub(crate) failed: u64,
    /// Those of the failed that the destination did not want.
    pub(crate) rejected: u64,
    /// All that was once taken for delivered. Unlike the delivered it never falls.
    pub(crate) arrived: u64,
    pub(crate) last_error: Option<String>,
}

impl Tally {
    pub(crate) fn lost(&self) -> u64 {
        self.ended.saturating_sub(self.delivered)
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.lost().saturating_sub(self.dropped + self.failed)
    }
}
