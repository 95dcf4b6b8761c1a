use proptest::prelude::*;

use super::*;

prop_compose! {
    /// Bytes that are allowed in a header value.
    fn bytes()(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            r#"([a-z]{0,3}[=:;,. "\\\[\]]|10\.0\.0\.2|for=|https?){0,16}"#.prop_map(String::into_bytes),
        ],
    ) -> Vec<u8> {
        bytes.into_iter().filter(|byte| !matches!(byte, 0x00..=0x08 | 0x0a..=0x1f | 0x7f)).collect()
    }
}

proptest! {
    #[test]
    fn any_bytes_are_resolved(
        lines in prop::collection::vec(
            (prop::sample::select(vec![FOR, PROTO, HOST, PORT, FORWARDED]), bytes()),
            0..12,
        ),
    ) {
        let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_slice())).collect();
        let headers = headers(&lines);
        for stage in [x_forwarded(), forwarded()] {
            stage.trusted.resolve(&headers, stage.peer);
        }
    }

    #[test]
    fn no_bytes_in_front_of_what_a_proxy_adds_to_a_list_change_the_answer(made_up in bytes()) {
        let added = [(FOR, CALLER), (PROTO, "https"), (HOST, "shop.example"), (PORT, "443")];
        let lines = added.map(|(name, value)| {
            (name, [made_up.as_slice(), b", ", value.as_bytes()].concat())
        });
        let headers = headers(&lines.each_ref().map(|(name, value)| (*name, value.as_slice())));
        let honest = client(CALLER).scheme("https").authority("shop.example").port(443);
        let stage = x_forwarded();
        prop_assert_eq!(stage.trusted.resolve(&headers, stage.peer), honest);
    }

    #[test]
    fn no_bytes_in_front_of_what_a_proxy_adds_to_elements_do_more_than_hide_it(made_up in bytes()) {
        let stage = forwarded();
        for (quote, honest) in [("\"", "[2001:db8::9]:50000"), ("", CALLER)] {
            let added = format!(", for={quote}{honest}{quote};proto=https;host=\"shop.example\"");
            let line = [made_up.as_slice(), added.as_bytes()].concat();
            let headers = headers(&[(FORWARDED, &line)]);
            let resolved = stage.trusted.resolve(&headers, stage.peer);
            let honest = client(honest).scheme("https").authority("shop.example");
            prop_assert!(resolved == honest || resolved == nothing(), "{resolved:?}");
        }
    }
}
