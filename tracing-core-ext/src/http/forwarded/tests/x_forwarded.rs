use super::*;

#[test]
fn the_client_of_one_proxy_stands_at_the_right() {
    x_forwarded().assert(
        &[(FOR, CALLER), (PROTO, "https"), (HOST, "shop.example:8443"), (PORT, "443")],
        &client(CALLER).scheme("https").authority("shop.example:8443").port(443),
    );
}

#[test]
fn what_the_caller_puts_in_front_is_not_looked_at() {
    x_forwarded().assert(
        &[
            (FOR, "10.6.6.6, 198.51.100.6, 203.0.113.9"),
            (PROTO, "http, https"),
            (HOST, "evil.example, shop.example"),
            (PORT, "666, 443"),
        ],
        &client(CALLER).scheme("https").authority("shop.example").port(443),
    );
}

#[test]
fn three_proxies_that_each_add_a_value_are_passed() {
    x_forwarded().assert(
        &[
            (FOR, "198.51.100.6, 203.0.113.9, 10.0.0.3, fd00::2"),
            (PROTO, "gopher, https, http, http"),
            (HOST, "evil.example, shop.example, b.internal, a.internal"),
            (PORT, "666, 443, 8080, 80"),
        ],
        &client(CALLER).scheme("https").authority("shop.example").port(443),
    );
}

#[test]
fn a_value_that_one_of_three_proxies_sets_is_that_of_the_outermost() {
    x_forwarded().assert(
        &[(FOR, "203.0.113.9, 10.0.0.3, 10.0.0.2"), (PROTO, "https"), (HOST, "shop.example")],
        &client(CALLER).scheme("https").authority("shop.example"),
    );
}

#[test]
fn a_proxy_that_names_no_client_may_tell_the_scheme() {
    x_forwarded().assert(&[(PROTO, "http, https")], &client(PROXY).scheme("https"));
}

#[test]
fn where_all_are_trusted_the_leftmost_is_the_client() {
    x_forwarded().assert(
        &[(FOR, "10.0.0.3, 10.0.0.2"), (PROTO, "https, http")],
        &client("10.0.0.3").scheme("https"),
    );
}

#[test]
fn several_lines_are_one_list() {
    x_forwarded().assert(
        &[
            (FOR, "198.51.100.6"),
            (PROTO, "http"),
            (FOR, "203.0.113.9, 10.0.0.3"),
            (PROTO, "https"),
            (FOR, "10.0.0.2"),
            (PROTO, "http,http"),
        ],
        &client(CALLER).scheme("https"),
    );
}

#[test]
fn empty_members_do_not_count() {
    x_forwarded().assert(
        &[(FOR, ",203.0.113.9,\t, 10.0.0.2 ,"), (FOR, ""), (PROTO, ", https,,http, ")],
        &client(CALLER).scheme("https"),
    );
}

#[test]
fn addresses_may_have_ports_and_brackets() {
    for node in ["203.0.113.9:50000", "2001:db8::9", "[2001:db8::9]", "[2001:db8::9]:50000"] {
        x_forwarded().assert(&[(FOR, &format!("{node}, [fd00::2%eth0]:80"))], &client(node));
    }
}

#[test]
fn an_address_that_cannot_be_read_ends_the_way_but_not_the_answer() {
    for hidden in ["unknown", "_a7f", "203.0.113", "\"203.0.113.9\"", "é"] {
        x_forwarded().assert(
            &[(FOR, &format!("198.51.100.6, {hidden}, 10.0.0.2")), (PROTO, "gopher, https, http")],
            &nothing().scheme("https"),
        );
    }
}

#[test]
fn only_http_and_https_are_schemes() {
    for (value, scheme) in [("HTTPS", "https"), ("Http", "http")] {
        x_forwarded().assert(&[(FOR, CALLER), (PROTO, value)], &client(CALLER).scheme(scheme));
    }
    for value in ["wss", "https:", "httpss", "é"] {
        x_forwarded().assert(&[(FOR, CALLER), (PROTO, value)], &client(CALLER));
    }
}

#[test]
fn what_is_no_host_or_port_is_absent() {
    for host in ["a b", "user@shop.example", "shop.example:http", "http://shop.example", "é"] {
        x_forwarded().assert(&[(FOR, CALLER), (HOST, host)], &client(CALLER));
    }
    for port in ["https", "+443", "-1", "65536", "4 43", "é"] {
        x_forwarded().assert(&[(FOR, CALLER), (PORT, port)], &client(CALLER));
    }
}

#[test]
fn a_chain_longer_than_any_has_no_effect_on_what_proxies_add() {
    let long = "10.6.6.6,".repeat(1000);
    x_forwarded().assert(&[(FOR, &long), (FOR, &format!("{long}{CALLER}"))], &client(CALLER));
    x_forwarded().assert(&[(FOR, &format!("{CALLER},{long}"))], &client("10.6.6.6"));
}
