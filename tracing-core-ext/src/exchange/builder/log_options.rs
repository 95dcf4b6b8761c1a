//! Options for log lines, and for IDs in the headers of requests and responses.

use opentelemetry::Key;

use super::{
    Builder, ClientMiddleware, ServerMiddleware, extras::RequestIdPolicy, options::ResponseHeader,
};
use crate::exchange::request_log::RequestLog;

impl<T: ServerMiddleware> Builder<T> {
    /// Adds a header field of the response that identifies the trace for callers. By default there is none.
    ///
    /// ```
    /// use tracing_core_ext::exchange::ResponseHeader;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.response_header(ResponseHeader::ServerTiming);
    /// # builder.build();
    /// ```
    pub fn response_header(mut self, field: ResponseHeader) -> Self {
        if !self.options.response_headers.contains(&field) {
            self.options.response_headers.push(field);
        }
        self
    }

    /// Writes one log line for each request, when its exchange ends. By default there is none.
    ///
    /// ```
    /// use tracing_core_ext::exchange::RequestLog;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.request_log(RequestLog::new());
    /// # builder.build();
    /// ```
    pub fn request_log(mut self, log: RequestLog) -> Self {
        self.options.extra_options.request_log = Some(log);
        self
    }

    /// Gives each request an ID, and writes it to the field `x-request-id` of the response, also of one that the option
    /// [`filter`](Self::filter) excludes. By default there is none.
    ///
    /// The ID is the attribute `request_id` of the span, and a field of the log lines of the request and of its
    /// [`request_log`](Self::request_log). Both frameworks have an extractor `RequestId`.
    ///
    /// A response that is made outside of the middleware, such as that of hyper to a malformed request, has no ID.
    ///
    /// ```
    /// use tracing_core_ext::exchange::RequestIdPolicy;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.request_id(RequestIdPolicy::Accept);
    /// # builder.build();
    /// ```
    pub fn request_id(mut self, policy: RequestIdPolicy) -> Self {
        self.options.extra_options.request_id = Some(policy);
        self
    }

    /// Adds attributes with these keys to every log line of the request, from the time at which they are set with
    /// [`RequestSpan::set_attribute`](crate::exchange::RequestSpan::set_attribute), or as
    /// [`baggage_attributes`](Self::baggage_attributes).
    ///
    /// The lines are those of `Telemetry::install` and of `WithTraceIds`: the attributes follow the line, as the trace ID
    /// does. Lines of child spans, and of tasks that carry the context of the request, have them too.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.log_attributes(["shop.tenant"]);
    /// # builder.build();
    /// ```
    pub fn log_attributes<I>(mut self, keys: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Key>,
    {
        self.options.extra_options.log_attributes.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Adds an attribute to the server span for each of these keys that the baggage of the caller contains. Key and value
    /// are those of the baggage; the value is a string.
    ///
    /// A caller chooses the baggage. It is used only if the caller is [trusted](Self::trust).
    ///
    /// ```
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.baggage_attributes(["shop.tenant"]);
    /// # builder.build();
    /// ```
    pub fn baggage_attributes<I>(mut self, keys: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Key>,
    {
        self.options.extra_options.baggage_attributes.extend(keys.into_iter().map(Into::into));
        self
    }
}

impl<T: ClientMiddleware> Builder<T> {
    /// Sends the ID of the request in which the client is called, in the field `x-request-id`, to the hosts to which
    /// context is sent. It replaces a field of that name. By default it is not sent.
    ///
    /// The ID is that of the server's option [`request_id`](Self::request_id) in the current context. Outside of a
    /// request nothing is sent.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.send_request_id(true);
    /// # builder.build();
    /// ```
    pub const fn send_request_id(mut self, is_sent: bool) -> Self {
        self.options.sends_request_id = is_sent;
        self
    }
}
