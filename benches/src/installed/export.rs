use opentelemetry_sdk::trace::SdkTracerProvider;

use super::Result;

/// Export of the spans of a process.
pub trait Export {
    /// Delivers every span that has ended.
    ///
    /// # Errors
    ///
    /// When a span was not delivered, where that is known.
    fn flush(&self) -> Result<()>;

    /// Delivers every span that has ended, and stops.
    ///
    /// # Errors
    ///
    /// When a span was not delivered, where that is known.
    fn shutdown(self: Box<Self>) -> Result<()>;
}

/// Exports nothing.
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
