//! Clients behind proxies: their addresses are those that trusted proxies report.

use tests::{
    EndedSpanExt, Framework, Lines, Server, Setup, SpanSink, on_both_frameworks_either_way,
    recorded_with,
};
use tracing_core_ext::http::TrustedProxies;

on_both_frameworks_either_way![
    a_trusted_proxy_provides_the_client_address_the_scheme_and_the_host,
    a_forwarded_element_with_an_unknown_parameter_is_read,
    forwarding_headers_of_anybody_else_are_not_believed,
];

async fn a_trusted_proxy_provides_the_client_address_the_scheme_and_the_host<F: Framework>() {
    let families: [(tests::Options, &[(&str, &str)]); 2] = [
        (
            |builder| {
                builder.trusted_proxies(
                    TrustedProxies::x_forwarded(["127.0.0.0/8", "10.0.0.0/8"]).unwrap(),
                )
            },
            &[
                ("x-forwarded-for", "6.6.6.6, 2001:db8::7, 10.0.0.3"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "shop.example"),
            ],
        ),
        (
            |builder| {
                builder.trusted_proxies(
                    TrustedProxies::forwarded(["127.0.0.1", "10.0.0.0/8"]).unwrap(),
                )
            },
            &[(
                "forwarded",
                "for=6.6.6.6, for=\"[2001:db8::7]\";proto=https;host=shop.example, for=10.0.0.3",
            )],
        ),
    ];
    for (options, headers) in families {
        let (server, sink) = recorded_with::<F>(options).await;

        get(&server, headers).await;

        let span = sink.only().await;
        assert_eq!(span.text("client.address"), Some("2001:db8::7"));
        assert_eq!(span.text("network.peer.address"), Some("127.0.0.1"));
        assert_eq!(span.text("url.scheme"), Some("https"));
        assert_eq!(span.text("server.address"), Some("shop.example"));
        assert_eq!(span.integer("server.port"), Some(443));
    }
}

async fn a_forwarded_element_with_an_unknown_parameter_is_read<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder.trusted_proxies(TrustedProxies::forwarded(["127.0.0.1"]).unwrap())
    })
    .await;

    let forwarded = "for=192.0.2.7;proto=https;host=shop.example;sig=YQ==;exp=1700000000";
    get(&server, &[("forwarded", forwarded)]).await;

    let span = sink.only().await;
    assert_eq!(span.text("client.address"), Some("192.0.2.7"));
    assert_eq!(span.text("url.scheme"), Some("https"));
    assert_eq!(span.text("server.address"), Some("shop.example"));
}

async fn forwarding_headers_of_anybody_else_are_not_believed<F: Framework>() {
    let strangers: [Option<tests::Options>; 2] = [
        None,
        Some(|builder| {
            builder.trusted_proxies(TrustedProxies::x_forwarded(["10.0.0.0/8"]).unwrap())
        }),
    ];
    for options in strangers {
        let sink = SpanSink::new();
        let server = F::serve(Setup { options, ..Setup::new(&sink) }).await;

        let headers = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")];
        get(&server, &headers).await;

        let span = sink.only().await;
        assert_eq!(span.text("client.address"), Some("127.0.0.1"));
        assert_eq!(span.text("url.scheme"), Some("http"));
        assert_eq!(span.text("server.address"), Some("127.0.0.1"));
    }
}

async fn get(server: &Server, headers: &[(&str, &str)]) {
    let request = reqwest::Client::new().get(server.url("/items/7"));
    let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
    request.send().await.unwrap().bytes().await.unwrap();
}

#[test]
fn an_empty_list_of_trusted_proxies_is_one_warning() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).finish();

    tracing::subscriber::with_default(subscriber, || {
        TrustedProxies::x_forwarded(["10.0.0.0/8"]).unwrap();
        TrustedProxies::x_forwarded([""; 0]).unwrap();
    });

    let lines = lines.all();
    assert!(
        matches!(&lines[..], [line] if line.contains("WARN") && line.contains("trusted proxies is empty")),
        "{lines:?}"
    );
}
