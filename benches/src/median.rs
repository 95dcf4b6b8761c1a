/// The middle one, which a few disturbed turns do not move.
///
/// # Panics
///
/// When there is none.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
