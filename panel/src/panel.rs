//! Store, pages and receivers.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::OriginalUri,
    http::{HeaderValue, Request, Response, Uri, header},
};
use tower_service::Service as _;

use crate::{
    otlp::{self, Archive, Forwarding, Intake},
    serve::Served,
    source::Source,
    store::Store,
    web::{self, Access, App},
};

/// Default address of the pages.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4380);

/// Telemetry in memory with its pages and receivers. A clone shares the store.
#[derive(Clone, Debug)]
pub struct Panel {
    intake: Intake,
    access: Access,
    /// Address of the listener, or `None` if the pages are mounted in other routes.
    listen: Option<SocketAddr>,
    url: Arc<OnceLock<String>>,
    /// Token that senders of OTLP must send.
    sender_token: Option<Arc<str>>,
    /// Source of the pages, by default the store.
    source: Option<Arc<dyn Source>>,
}

impl Default for Panel {
    fn default() -> Self {
        Self {
            intake: Intake::new(Store::default()),
            access: Access::Loopback,
            listen: Some(ADDRESS),
            url: Arc::default(),
            sender_token: None,
            source: None,
        }
    }
}

impl Panel {
    /// Returns an empty panel with the default limit of memory. Its listener is at
    /// `127.0.0.1:4380`, for requests from this machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an empty panel without a listener, for an application that mounts [`routes`] in its
    /// own routes. Other machines may reach the pages, so they require a [token](Access::token).
    ///
    /// ```
    /// use axum::Router;
    /// use tracing_panel::Panel;
    ///
    /// let panel = Panel::mounted();
    /// let app: Router = Router::new().nest("/panel", panel.routes());
    /// println!("/panel?token={}", panel.access().token().unwrap());
    /// ```
    ///
    /// [`routes`]: Self::routes
    pub fn mounted() -> Self {
        let access = Access::with_random_token().unwrap_or(Access::Closed);
        Self { listen: None, access, ..Self::default() }
    }

    /// Sets the address of the listener. If other machines can reach the address, a token is
    /// required. It is random if none is set.
    #[must_use]
    pub fn listen_on(mut self, address: impl Into<SocketAddr>) -> Self {
        let address = address.into();
        if !address.ip().is_loopback() && matches!(self.access, Access::Loopback) {
            self.access = Access::with_random_token().unwrap_or(Access::Closed);
        }
        self.listen = Some(address);
        self
    }

    /// Replaces the store by an empty one with this limit of memory, in bytes.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.intake.store = Store::new(bytes);
        self
    }

    /// Sets the access condition of the pages.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Returns the access condition of the pages.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Appends received requests to this archive. Spans, records and points that are added to the
    /// store directly are not appended.
    #[must_use]
    pub fn with_archive(mut self, archive: Archive) -> Self {
        self.intake.archive = Some(archive);
        self
    }

    /// Shows the telemetry of this source instead of the store.
    #[must_use]
    pub fn with_source(mut self, source: impl Source + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Sends received requests to another endpoint as well.
    #[must_use]
    pub fn with_forward(mut self, forward: impl Forwarding + 'static) -> Self {
        self.intake.forward = Some(Arc::new(forward));
        self
    }

    /// Returns the intake for OTLP requests.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Returns the store of the panel.
    pub fn store(&self) -> &Store {
        &self.intake.store
    }

    /// Returns the address of the listener that [`serve`](Self::serve) opens, or `None` for a
    /// mounted panel.
    pub fn listen_address(&self) -> Option<SocketAddr> {
        self.listen
    }

    /// Opens the listener and serves the pages on a separate thread. Returns `None` for a mounted
    /// panel.
    ///
    /// # Errors
    ///
    /// If the address is not available, or if no thread can be started.
    pub fn serve(&self) -> io::Result<Option<Served>> {
        let Some(address) = self.listen else { return Ok(None) };
        let served = Served::start(address, self.routes())?;
        let token = self.access.token().map(|token| format!("?token={token}"));
        let url = format!("http://{}/{}", served.address(), token.unwrap_or_default());
        self.url.get_or_init(|| url);
        Ok(Some(served))
    }

    /// Returns the URL of the pages after the listener is open, with the token if one is required.
    pub fn url(&self) -> Option<&str> {
        self.url.get().map(String::as_str)
    }

    /// Returns the routes of pages, JSON API and live events, for the root path or a path below it:
    /// `Router::nest("/panel", panel.routes())`.
    pub fn routes(&self) -> Router {
        let source = self.source.clone();
        let source = source.unwrap_or_else(|| Arc::new(self.store().clone()));
        let app = App { intake: self.intake.clone(), source };
        web::routes(app, self.access.clone())
    }

    /// Requires senders to [`http_receiver`](Self::http_receiver) and `grpc_receiver` to send this
    /// token as `authorization: Bearer …`: `OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20…`.
    #[must_use]
    pub fn with_sender_token(mut self, token: impl Into<Arc<str>>) -> Self {
        self.sender_token = Some(token.into());
        self
    }

    /// Returns the token that senders must send, if one is required.
    pub fn sender_token(&self) -> Option<&str> {
        self.sender_token.as_deref()
    }

    /// Returns the receiver of OTLP over HTTP: `/v1/traces`, `/v1/logs`, `/v1/metrics`.
    pub fn http_receiver(&self) -> Router {
        self.guard_receiver(otlp::http_routes(self.intake.clone()))
    }

    pub(crate) fn guard_receiver(&self, routes: Router) -> Router {
        match &self.sender_token {
            Some(token) => web::require_token(routes, Arc::clone(token)),
            None => routes,
        }
    }
}

/// Pages of a panel for web frameworks other than axum.
#[derive(Clone, Debug)]
pub struct Pages(Router);

impl Pages {
    /// Returns the pages of this panel.
    pub fn new(panel: &Panel) -> Self {
        Self(panel.routes())
    }

    /// Responds to a request. `path` is the path of the request below the path at which the pages
    /// are mounted, with its query.
    pub async fn respond(&self, path: Uri, request: Request<Bytes>) -> Response<Body> {
        let mut request = request.map(Body::from);
        let original = std::mem::replace(request.uri_mut(), path);
        // Requests of HTTP/2 have the host in the request target.
        let host = original.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        if let Some(host) = host {
            request.headers_mut().entry(header::HOST).or_insert(host);
        }
        request.extensions_mut().insert(OriginalUri(original));
        let mut routes = self.0.clone().into_service();
        match routes.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
