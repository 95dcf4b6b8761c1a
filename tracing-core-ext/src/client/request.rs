use std::{borrow::Cow, fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Version};
use reqwest::{Body, IntoUrl, Method, Request, Response, multipart};
use serde::Serialize;

use super::{
    client::Client,
    extensions::{ResendCount, UrlTemplate},
    send::RequestOptions,
};

/// A request that is being built, with the methods of [`reqwest::RequestBuilder`].
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    inner: reqwest::RequestBuilder,
    client: Client,
    options: RequestOptions,
}

impl Client {
    /// Starts a `GET` request to `url`.
    pub fn get<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Starts a `POST` request to `url`.
    pub fn post<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Starts a `PUT` request to `url`.
    pub fn put<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Starts a `PATCH` request to `url`.
    pub fn patch<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Starts a `DELETE` request to `url`.
    pub fn delete<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Starts a `HEAD` request to `url`.
    pub fn head<U: IntoUrl>(&self, url: U) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Starts a request. A URL that does not parse is reported by [`RequestBuilder::send`].
    pub fn request<U: IntoUrl>(&self, method: Method, url: U) -> RequestBuilder {
        RequestBuilder::new(self.inner().request(method, url), self.clone())
    }
}

impl RequestBuilder {
    pub(super) fn new(inner: reqwest::RequestBuilder, client: Client) -> Self {
        Self { inner, client, options: RequestOptions::default() }
    }

    /// Sets the pattern that the URL was made from. It is recorded as `url.template`, and the span is named
    /// `{method} {template}`.
    ///
    /// Keep the number of templates small: they must not contain identifiers.
    ///
    /// ```no_run
    /// # async fn run(client: tracing_core_ext::client::Client, id: u32) -> reqwest::Result<()> {
    /// let url = format!("http://inventory.example/stock/{id}");
    /// client.get(url).url_template("/stock/{id}").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn url_template(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.options.template = Some(UrlTemplate::new(template));
        self
    }

    /// Sets the number of times that this request was sent before. Above 0 it is recorded as
    /// `http.request.resend_count`.
    ///
    /// ```no_run
    /// # async fn run(client: tracing_core_ext::client::Client) -> reqwest::Result<()> {
    /// for count in 0..3 {
    ///     let request = client.get("http://inventory.example/stock/7").resend_count(count);
    ///     if request.send().await?.status().is_success() {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub const fn resend_count(mut self, count: u32) -> Self {
        self.options.resend_count = ResendCount::new(count);
        self
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

    /// Adds basic authentication.
    pub fn basic_auth<U, P>(self, username: U, password: Option<P>) -> Self
    where
        U: fmt::Display,
        P: fmt::Display,
    {
        self.map(|inner| inner.basic_auth(username, password))
    }

    /// Adds bearer authentication.
    pub fn bearer_auth<T: fmt::Display>(self, token: T) -> Self {
        self.map(|inner| inner.bearer_auth(token))
    }

    /// Sets the body of the request.
    pub fn body<T: Into<Body>>(self, body: T) -> Self {
        self.map(|inner| inner.body(body))
    }

    /// Limits the time from the start of the connection to the end of the response's body.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|inner| inner.timeout(timeout))
    }

    /// Appends to the query of the URL.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.map(|inner| inner.query(query))
    }

    /// Sets the version of HTTP to use.
    pub fn version(self, version: Version) -> Self {
        self.map(|inner| inner.version(version))
    }

    /// Sets a body of form data.
    pub fn form<T: Serialize + ?Sized>(self, form: &T) -> Self {
        self.map(|inner| inner.form(form))
    }

    /// Sets a body of JSON.
    pub fn json<T: Serialize + ?Sized>(self, json: &T) -> Self {
        self.map(|inner| inner.json(json))
    }

    /// Sets a body of `multipart/form-data`.
    pub fn multipart(self, form: multipart::Form) -> Self {
        self.map(|inner| inner.multipart(form))
    }

    /// Changes the inner builder of reqwest, for methods that this type lacks.
    ///
    /// ```no_run
    /// # fn build(client: tracing_core_ext::client::Client) -> reqwest::Result<reqwest::Request> {
    /// let request = client.get("http://inventory.example/stock/7");
    /// request.map(|inner| inner.header("accept", "text/plain")).build()
    /// # }
    /// ```
    pub fn map(
        self,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Self {
        Self { inner: change(self.inner), ..self }
    }

    /// Creates a builder that continues with `request`, which `client` sends.
    pub fn from_parts(client: Client, request: Request) -> Self {
        let inner = reqwest::RequestBuilder::from_parts(client.inner().clone(), request);
        Self::new(inner, client)
    }

    /// Returns the request, for [`Client::execute`]. Template and resend count are lost.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`reqwest::RequestBuilder::build`].
    pub fn build(self) -> reqwest::Result<Request> {
        self.inner.build()
    }

    /// Returns the request, and the client to send it with. Template and resend count are lost.
    pub fn build_split(self) -> (Client, reqwest::Result<Request>) {
        (self.client, self.inner.build())
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`reqwest::RequestBuilder::send`].
    pub fn send(self) -> impl Future<Output = reqwest::Result<Response>> {
        let Self { inner, client, options } = self;
        let sending = inner.build().map(|request| client.send(options, request));
        async move { sending?.await }
    }

    /// Returns a copy, or `None` if the body cannot be copied.
    pub fn try_clone(&self) -> Option<Self> {
        let inner = self.inner.try_clone()?;
        Some(Self { inner, client: self.client.clone(), options: self.options.clone() })
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
