//! W3C Trace Context and Baggage.
