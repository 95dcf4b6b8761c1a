use super::*;

#[test]
fn the_client_of_one_proxy_stands_at_the_right() {
    forwarded().assert(
        &[(FORWARDED, "for=203.0.113.9;proto=https;by=10.0.0.1;host=shop.example")],
        &client(CALLER).scheme("https").authority("shop.example"),
    );
}

#[test]
fn what_the_caller_puts_in_front_is_not_looked_at() {
    for made_up in ["for=198.51.100.6;proto=http;host=evil.example", "for=10.6.6.6", "@@@", "é"] {
        forwarded().assert(
            &[(FORWARDED, &format!("{made_up}, for=203.0.113.9;proto=https"))],
            &client(CALLER).scheme("https"),
        );
    }
}

#[test]
fn three_proxies_are_passed() {
    forwarded().assert(
        &[(
            FORWARDED,
            "for=198.51.100.6;proto=gopher, for=203.0.113.9;proto=https;host=shop.example, \
             for=10.0.0.3;proto=http;host=b.internal, for=\"[fd00::2]\";proto=http",
        )],
        &client(CALLER).scheme("https").authority("shop.example"),
    );
}

#[test]
fn what_an_inner_proxy_was_asked_for_is_not_what_the_client_asked_for() {
    forwarded().assert(
        &[(FORWARDED, "for=203.0.113.9, for=10.0.0.2;proto=http;host=a.internal")],
        &client(CALLER),
    );
}

#[test]
fn where_all_are_trusted_the_leftmost_is_the_client() {
    forwarded().assert(
        &[(FORWARDED, "for=10.0.0.3;proto=https, for=10.0.0.2;proto=http")],
        &client("10.0.0.3").scheme("https"),
    );
}

#[test]
fn several_lines_are_one_list() {
    forwarded().assert(
        &[
            (FORWARDED, "for=198.51.100.6"),
            (FORWARDED, "for=203.0.113.9;proto=https,for=10.0.0.3"),
            (FORWARDED, "for=10.0.0.2"),
        ],
        &client(CALLER).scheme("https"),
    );
}

#[test]
fn empty_elements_and_pairs_do_not_count() {
    forwarded().assert(
        &[(FORWARDED, ", ;for=203.0.113.9; ;proto=https;,,\tfor=10.0.0.2 ,"), (FORWARDED, "")],
        &client(CALLER).scheme("https"),
    );
}

#[test]
fn names_and_schemes_are_read_in_any_case() {
    forwarded().assert(
        &[(FORWARDED, "FOR=203.0.113.9;Proto=HTTPS;hOST=Shop.example")],
        &client(CALLER).scheme("https").authority("Shop.example"),
    );
}

#[test]
fn values_may_be_quoted() {
    forwarded().assert(
        &[(
            FORWARDED,
            r#"for="[2001:db8::9]:50000";proto="https";host="shop.example:8443";by="a,b;for=x""#,
        )],
        &client("[2001:db8::9]:50000").scheme("https").authority("shop.example:8443"),
    );
}

#[test]
fn a_quoted_pair_is_read() {
    forwarded().assert(
        &[(FORWARDED, r#"for="203.0.113\.9";host="shop\.example";x="\"";proto=https"#)],
        &client(CALLER).scheme("https").authority("shop.example"),
    );
}

#[test]
fn quotes_may_be_forgotten() {
    forwarded().assert(
        &[(FORWARDED, "for=2001:db8::9;host=shop.example:8443;proto=https;proto-version=")],
        &client("2001:db8::9").scheme("https").authority("shop.example:8443"),
    );
}

#[test]
fn a_client_may_be_hidden_while_its_request_is_not() {
    for hidden in ["for=unknown", "for=_a7f", "for=\"_a7f:_80\"", "by=10.0.0.1", "for="] {
        forwarded().assert(
            &[(
                FORWARDED,
                &format!("for=198.51.100.6, {hidden};proto=https;host=shop.example, for=10.0.0.2"),
            )],
            &nothing().scheme("https").authority("shop.example"),
        );
    }
}

#[test]
fn a_parameter_of_another_kind_may_be_malformed() {
    for other in ["sig=YQ==", "é=1", "a\"b\"", "exp"] {
        let hop = format!("for=203.0.113.9;proto=https;host=shop.example;{other}, for=10.0.0.2");
        let expected = client(CALLER).scheme("https").authority("shop.example");
        forwarded().assert(&[(FORWARDED, &hop)], &expected);
    }
}

#[test]
fn an_element_that_cannot_be_read_ends_the_way() {
    for wrong in ["@@@", "for=203.0.113.9;for=203.0.113.9", "for=203.0.113.9;host", "for=\"a\"b"] {
        forwarded().assert(
            &[(FORWARDED, &format!("for=198.51.100.6;proto=https, {wrong}, for=10.0.0.2"))],
            &nothing(),
        );
    }
}

#[test]
fn an_open_quote_makes_nobody_another_client() {
    for open in [r#"for=198.51.100.6, x=""#, r#"for=198.51.100.6;x="\"#, "\""] {
        for added in [
            "for=203.0.113.9;proto=https",
            "for=\"[2001:db8::9]\";proto=https",
            "for=\"[2001:db8::9]\";host=\"shop.example\"",
        ] {
            forwarded().assert(&[(FORWARDED, &format!("{open}, {added}"))], &nothing());
        }
    }
}

#[test]
fn an_open_quote_ends_with_its_line() {
    forwarded().assert(
        &[(FORWARDED, "for=198.51.100.6, x=\""), (FORWARDED, "for=203.0.113.9")],
        &client(CALLER),
    );
}

#[test]
fn what_is_no_host_or_scheme_is_absent() {
    for pair in ["host=\"a b\"", "host=\"user@shop.example\"", "host=", "proto=wss", "proto="] {
        forwarded().assert(&[(FORWARDED, &format!("for={CALLER};{pair}"))], &client(CALLER));
    }
}

#[test]
fn a_chain_longer_than_any_has_no_effect_on_what_proxies_add() {
    let long = "for=10.6.6.6,".repeat(1000);
    let added = format!("{long}for={CALLER}");
    forwarded().assert(&[(FORWARDED, &long), (FORWARDED, &added)], &client(CALLER));
}
