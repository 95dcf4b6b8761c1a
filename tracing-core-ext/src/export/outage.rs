/// Only the thread that exports writes here, so a request never waits for it.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    lost_before: Option<u64>,
    lost_so_far: u64,
    pub(crate) last_error: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    Down,
    Up { lost: u64 },
}

impl Outage {
    pub(crate) fn is_down(&self) -> bool {
        self.lost_before.is_some()
    }

    pub(crate) fn observe(&mut self, lost: u64) -> Option<Change> {
        let before = std::mem::replace(&mut self.lost_so_far, lost);
        let losing = lost > before;
        match self.lost_before {
            None if losing => {
                self.lost_before = Some(before);
                Some(Change::Down)
            }
            Some(start) if !losing => {
                self.lost_before = None;
                self.last_error = None;
                Some(Change::Up { lost: lost - start })
            }
            _ => None,
        }
    }
}
