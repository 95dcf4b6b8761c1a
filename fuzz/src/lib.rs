//! Parts that the fuzz targets share: slow, literal implementations of the grammars of header fields
//! and of the formats of Prometheus, and builders of inputs.
//!
//! The implementations are written from the specifications and share no code with the product.

pub mod exposition;
pub mod grammar;
pub mod headers;
pub mod reference;
pub mod secrets;
