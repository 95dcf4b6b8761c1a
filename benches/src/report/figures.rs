/// Returns the median, which a few disturbed turns do not affect.
///
/// # Panics
///
/// If there are no figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Returns the arithmetic mean.
pub fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len() as f64
}

/// Returns the standard deviation.
pub fn deviation(figures: &[f64]) -> f64 {
    let mean = mean(figures);
    let squares = figures.iter().map(|figure| (figure - mean).powi(2));
    (squares.sum::<f64>() / figures.len() as f64).sqrt()
}

/// Formats a number with separators: `12,345`.
pub fn thousands(number: i64) -> String {
    match number {
        1000.. => format!("{},{:03}", thousands(number / 1000), number % 1000),
        _ => number.to_string(),
    }
}
