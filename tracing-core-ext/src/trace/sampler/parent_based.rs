//! Sampler that follows the parent.

use crate::propagation::extracted::ParentSampling;

/// Selects a sampler by the parent of a span: OpenTelemetry specification, "ParentBased".
///
/// By default a span with a parent is recorded if its parent is sampled.
///
/// ```
/// use tracing_core_ext::trace::{ParentBased, Sampler};
///
/// // Every caller is sampled again, because callers are not trusted.
/// let ratio = Sampler::trace_id_ratio(0.1);
/// let sampler: Sampler = ParentBased::new(ratio.clone()).remote_parent_sampled(ratio).into();
/// # drop(sampler);
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is a sampler after into()"]
pub struct ParentBased<S> {
    pub(crate) root: S,
    pub(crate) remote_parent_sampled: Option<S>,
    pub(crate) remote_parent_not_sampled: Option<S>,
    pub(crate) local_parent_sampled: Option<S>,
    pub(crate) local_parent_not_sampled: Option<S>,
}

impl<S> ParentBased<S> {
    /// Uses `root` for spans without a parent.
    pub const fn new(root: S) -> Self {
        Self {
            root,
            remote_parent_sampled: None,
            remote_parent_not_sampled: None,
            local_parent_sampled: None,
            local_parent_not_sampled: None,
        }
    }

    /// Sets the sampler of spans with a sampled parent in another process. The default records them.
    pub fn remote_parent_sampled(mut self, sampler: S) -> Self {
        self.remote_parent_sampled = Some(sampler);
        self
    }

    /// Sets the sampler of spans whose parent in another process is not sampled. The default drops them.
    pub fn remote_parent_not_sampled(mut self, sampler: S) -> Self {
        self.remote_parent_not_sampled = Some(sampler);
        self
    }

    /// Sets the sampler of spans with a sampled parent in this process. The default records them.
    pub fn local_parent_sampled(mut self, sampler: S) -> Self {
        self.local_parent_sampled = Some(sampler);
        self
    }

    /// Sets the sampler of spans whose parent in this process is not sampled. The default drops them.
    pub fn local_parent_not_sampled(mut self, sampler: S) -> Self {
        self.local_parent_not_sampled = Some(sampler);
        self
    }

    /// Whether all spans with a parent follow it.
    pub(crate) const fn follows_parents(&self) -> bool {
        self.remote_parent_sampled.is_none()
            && self.remote_parent_not_sampled.is_none()
            && self.local_parent_sampled.is_none()
            && self.local_parent_not_sampled.is_none()
    }

    /// Returns the sampler of a span with this parent, or the decision of the parent. An invalid parent counts, because
    /// a decision without IDs is respected.
    pub(crate) const fn select(&self, parent: Option<ParentSampling>) -> Result<&S, bool> {
        let Some(parent) = parent else { return Ok(&self.root) };
        let sampler = match (parent.is_remote, parent.is_sampled) {
            (true, true) => &self.remote_parent_sampled,
            (true, false) => &self.remote_parent_not_sampled,
            (false, true) => &self.local_parent_sampled,
            (false, false) => &self.local_parent_not_sampled,
        };
        match sampler {
            Some(sampler) => Ok(sampler),
            None => Err(parent.is_sampled),
        }
    }
}
