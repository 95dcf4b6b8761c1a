use std::borrow::Cow;

/// First status code that can be an error.
const FIRST: u16 = 400;

/// Digits of the codes from `FIRST` to 999.
static ERRORS: [[u8; 3]; 600] = {
    let mut all = [[0; 3]; 600];
    let mut n = 0;
    while n < all.len() {
        let status = n + FIRST as usize;
        all[n] = [digit(status / 100), digit(status / 10), digit(status)];
        n += 1;
    }
    all
};

const fn digit(number: usize) -> u8 {
    b'0' + (number % 10) as u8
}

/// Returns a status code as the value of `error.type`, without allocation for the codes that can be errors.
pub(crate) fn status_text(status: u16) -> Cow<'static, str> {
    let digits = status.checked_sub(FIRST).and_then(|n| ERRORS.get(usize::from(n)));
    let text = digits.and_then(|digits| str::from_utf8(digits).ok());
    text.map_or_else(|| status.to_string().into(), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_its_number() {
        for status in [0, 99, 200, 399, 400, 404, 499, 503, 999, 1000, u16::MAX] {
            assert_eq!(status_text(status), status.to_string());
        }
    }

    #[test]
    fn an_error_is_not_allocated() {
        assert!((400..=999).all(|status| matches!(status_text(status), Cow::Borrowed(_))));
    }
}
