//! Sampler of a provider, which can be replaced at run time.

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::{ArcSwapOption, Guard};

use super::sampler::Sampler;

/// Sampler of a provider. As long as it is not replaced, reading it costs one atomic load.
pub(crate) struct CurrentSampler {
    initial: Sampler,
    is_replaced: AtomicBool,
    replacement: ArcSwapOption<Sampler>,
}

/// The sampler while it is used.
pub(crate) enum SamplerRef<'a> {
    Initial(&'a Sampler),
    Replacement(Guard<Option<Arc<Sampler>>>, &'a Sampler),
}

impl CurrentSampler {
    pub(crate) const fn new(initial: Sampler) -> Self {
        Self {
            initial,
            is_replaced: AtomicBool::new(false),
            replacement: ArcSwapOption::const_empty(),
        }
    }

    /// Returns the sampler. A replacement during its use does not affect it.
    #[inline(always)]
    pub(crate) fn get(&self) -> SamplerRef<'_> {
        if self.is_replaced.load(Ordering::Acquire) {
            return SamplerRef::Replacement(self.replacement.load(), &self.initial);
        }
        SamplerRef::Initial(&self.initial)
    }

    /// Replaces the sampler. Spans that start later are decided by it.
    pub(crate) fn set(&self, sampler: Sampler) {
        self.replacement.store(Some(Arc::new(sampler)));
        self.is_replaced.store(true, Ordering::Release);
    }
}

impl Deref for SamplerRef<'_> {
    type Target = Sampler;

    #[inline]
    fn deref(&self) -> &Sampler {
        match self {
            Self::Initial(sampler) => sampler,
            Self::Replacement(replacement, initial) => replacement.as_deref().unwrap_or(initial),
        }
    }
}

impl fmt::Debug for CurrentSampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
