//! Samplers with known types. A span that such a sampler drops is not described, unless a rule reads its attributes.
//!
//! | question | file |
//! | --- | --- |
//! | which samplers are there? | `sampler`; `composable` has those that return thresholds |
//! | which sampler decides about a span? | `parent_based`, `rules` |
//! | what does a sampler read and decide? | `input`, `evaluation` |
//! | which sampler does a provider use? | `current`: it can be replaced at run time |

mod composable;
pub(crate) mod current;
mod description;
pub(crate) mod evaluation;
pub(crate) mod input;
mod parent_based;
mod rate_limit;
mod ratio;
pub(crate) mod rules;
pub(crate) mod sampler;
#[cfg(test)]
mod tests;

pub use self::{
    composable::ComposableSampler,
    parent_based::ParentBased,
    rules::{
        SamplingRules,
        span_match::{SpanMatch, SpanParent},
    },
    sampler::Sampler,
};
