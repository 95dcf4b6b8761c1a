use super::{client::ClientAddress, network::Networks};

/// Maximum number of hops that are followed. A header can contain more.
pub(super) const MAX_HOPS: usize = 32;

/// Returns the hop that the outermost trusted proxy reported. `hops` is ordered from the nearest
/// proxy to the caller.
pub(super) fn outermost<T>(
    hops: impl Iterator<Item = T>,
    client: impl Fn(&T) -> Option<ClientAddress>,
    trusted: &Networks,
) -> Option<T> {
    let mut outermost = None;
    for hop in hops.take(MAX_HOPS) {
        let called_by_proxy = trusted.contain(client(&hop));
        outermost = Some(hop);
        if !called_by_proxy {
            break;
        }
    }
    outermost
}

/// Returns the last `MAX_HOPS` items in reverse order.
pub(super) fn last_first<'a>(
    items: impl Iterator<Item = &'a [u8]>,
) -> impl Iterator<Item = &'a [u8]> {
    let mut kept = [&[][..]; MAX_HOPS];
    let mut count = 0;
    for item in items {
        kept[count % MAX_HOPS] = item;
        count += 1;
    }
    (1..=count.min(MAX_HOPS)).map(move |back| kept[(count - back) % MAX_HOPS])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reversed(items: &[u8]) -> Vec<u8> {
        last_first(items.chunks(1)).map(|item| item[0]).collect()
    }

    #[test]
    fn the_last_item_comes_first() {
        assert_eq!(reversed(b""), b"");
        assert_eq!(reversed(b"abc"), b"cba");
    }

    #[test]
    fn of_many_items_the_first_ones_are_forgotten() {
        let items: Vec<u8> = (0..100).collect();
        let last: Vec<u8> = (100 - MAX_HOPS as u8..100).rev().collect();
        assert_eq!(reversed(&items), last);
    }

    #[test]
    fn no_more_hops_are_followed_than_a_chain_has() {
        let trusted = Networks::parse(["10.0.0.0/8"]).unwrap();
        let client = |_: &usize| ClientAddress::parse("10.0.0.7");
        assert_eq!(outermost(0..100, client, &trusted), Some(MAX_HOPS - 1));
    }
}
