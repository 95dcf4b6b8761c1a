//! A service that already has a global subscriber. It can be set once in a process, so this is one
//! test.

use tests::SpanSink;
use tracing_subscriber::util::SubscriberInitExt;

#[test]
fn another_subscriber_is_an_error_with_both_remedies_and_the_second_one_works() {
    tracing_subscriber::registry().init();
    let builder = || tests::telemetry(&SpanSink::new());

    let error = builder().install().unwrap_err().to_string();
    for method in ["layer(..)", "log_filter(..)", "log_format(..)", "install_without_subscriber()"]
    {
        assert!(error.contains(method), "{error}");
    }
    builder().install_without_subscriber().unwrap().shutdown().unwrap();
}
