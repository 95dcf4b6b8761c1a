use opentelemetry_sdk::trace::SdkTracerProvider;

use super::Result;

/// Exporter of the spans of a process.
pub trait Export {
    /// Exports every span that has ended.
    ///
    /// # Errors
    ///
    /// If a span was not exported, as far as that is known.
    fn flush(&self) -> Result<()>;

    /// Exports every span that has ended, and stops.
    ///
    /// # Errors
    ///
    /// If a span was not exported, as far as that is known.
    fn shutdown(self: Box<Self>) -> Result<()>;
}

/// Exporter that does nothing.
impl Export for () {
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn shutdown(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Export for SdkTracerProvider {
    fn flush(&self) -> Result<()> {
        Ok(self.force_flush()?)
    }

    fn shutdown(self: Box<Self>) -> Result<()> {
        Ok(SdkTracerProvider::shutdown(&self)?)
    }
}
