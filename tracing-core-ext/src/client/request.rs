use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Version};
use reqwest::{Body, Request, Response};
use serde::Serialize;

use super::Client;
use crate::exchange::Instrumentation;

/// A request in the making, with the methods of [`reqwest::RequestBuilder`].
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    inner: reqwest::RequestBuilder,
    instrumentation: Instrumentation,
}

impl RequestBuilder {
    pub(super) const fn new(
        inner: reqwest::RequestBuilder,
        instrumentation: Instrumentation,
    ) -> Self {
        Self { inner, instrumentation }
    }

    /// Adds a header field.
    pub fn header<K, V>(self, key: K, value: V) -> Self
    where
        HeaderName: TryFrom<K>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.map(|inner| inner.header(key, value))
    }

    /// Adds header fields, replacing those of the same names.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.map(|inner| inner.headers(headers))
    }

    /// Basic authentication.
    pub fn basic_auth<U, P>(self, username: U, password: Option<P>) -> Self
    where
        U: fmt::Display,
        P: fmt::Display,
    {
        self.map(|inner| inner.basic_auth(username, password))
    }

    /// Bearer authentication.
    pub fn bearer_auth<T: fmt::Display>(self, token: T) -> Self {
        self.map(|inner| inner.bearer_auth(token))
    }

    /// The request's body.
    pub fn body<T: Into<Body>>(self, body: T) -> Self {
        self.map(|inner| inner.body(body))
    }

    /// Limit on the time from the start of the connection to the end of the response's body.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|inner| inner.timeout(timeout))
    }

    /// Appends to the query of the URL.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.map(|inner| inner.query(query))
    }

    /// The version of HTTP to use.
    pub fn version(self, version: Version) -> Self {
        self.map(|inner| inner.version(version))
    }

    /// A body of form data.
    pub fn form<T: Serialize + ?Sized>(self, form: &T) -> Self {
        self.map(|inner| inner.form(form))
    }

    /// A body of JSON.
    pub fn json<T: Serialize + ?Sized>(self, json: &T) -> Self {
        self.map(|inner| inner.json(json))
    }

    /// The request, for [`Client::execute`].
    ///
    /// # Errors
    ///
    /// Those of [`reqwest::RequestBuilder::build`].
    pub fn build(self) -> reqwest::Result<Request> {
        self.inner.build()
    }

    /// The request, and the client to send it with.
    pub fn build_split(self) -> (Client, reqwest::Result<Request>) {
        let (inner, request) = self.inner.build_split();
        (Client { inner, instrumentation: self.instrumentation }, request)
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// Those of [`reqwest::RequestBuilder::send`].
    pub fn send(self) -> impl Future<Output = reqwest::Result<Response>> {
        let (client, request) = self.build_split();
        let sending = request.map(|request| client.execute(request));
        async move { sending?.await }
    }

    /// A copy, if the body can be copied.
    pub fn try_clone(&self) -> Option<Self> {
        let inner = self.inner.try_clone()?;
        Some(Self { inner, instrumentation: self.instrumentation.clone() })
    }

    fn map(self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        Self { inner: change(self.inner), ..self }
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
