use actix_web::{error::BlockingError, web};
use tracing_core_ext::carry;

/// Runs blocking code on the thread pool with the current trace, as [`web::block`] does without.
///
/// ```
/// # fn load(id: u32) -> String { id.to_string() }
/// async fn item(id: actix_web::web::Path<u32>) -> actix_web::Result<String> {
///     Ok(tracing_actix_middleware::block(move || load(*id)).await?)
/// }
/// # let _ = actix_web::web::get().to(item);
/// ```
///
/// # Errors
///
/// If the thread pool is gone, or if `f` panics.
pub async fn block<F, R>(f: F) -> Result<R, BlockingError>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    web::block(carry::in_current(f)).await
}
