//! Frame of a page, with the location at which the panel is served.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, OriginalUri},
    http::{Extensions, StatusCode, Uri, request::Parts},
    response::Redirect,
};
use maud::Markup;

use super::app::App;
use crate::{
    pages::{Page, Place, message_page, render},
    source::Need,
    store::Store,
};

/// Page with its status.
pub(super) type Answer = (StatusCode, Markup);

/// Location of the requested page, and the source of its content.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    place: Place,
    app: App,
}

impl FromRequestParts<App> for Frame {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let mut place = place_of(&parts.extensions, &parts.uri);
        let page = parts.uri.path().trim_start_matches('/').split('/').next();
        place.notice = app.source.notice(page.unwrap_or(""));
        place.is_live = app.source.is_live();
        Ok(Self { place, app: app.clone() })
    }
}

impl Frame {
    /// Loads the data of a page, or returns a page with the error.
    pub(super) async fn load(&self, need: Need<'_>) -> Result<Store, Answer> {
        self.app.load(need).await.map_err(|error| {
            let page = message_page("The backend does not answer", &error.to_string());
            (StatusCode::BAD_GATEWAY, self.show(&page))
        })
    }

    /// Returns the page in its frame.
    pub(super) fn show(&self, page: &Page) -> Markup {
        render(page, &self.place)
    }

    /// Returns the page in its frame, with the status 200.
    pub(super) fn found(&self, page: &Page) -> Answer {
        (StatusCode::OK, self.show(page))
    }

    /// Returns a page with a message, with the status 404.
    pub(super) fn missing(&self, title: &str, message: &str) -> Answer {
        (StatusCode::NOT_FOUND, self.show(&message_page(title, message)))
    }

    /// Returns a redirect to another page.
    pub(super) fn redirect(&self, path: &str) -> Redirect {
        Redirect::to(&format!("{}{path}", self.place.prefix))
    }
}

/// Returns the location of a request. The prefix is the part of the original path that the routers
/// around the panel have removed.
pub(super) fn place_of(extensions: &Extensions, uri: &Uri) -> Place {
    let original = extensions.get::<OriginalUri>().map_or(uri, |original| &original.0);
    let path = original.path();
    let prefix = path.strip_suffix(uri.path()).unwrap_or(path).trim_end_matches('/');
    let address = original.path_and_query().map_or(path, |address| address.as_str());
    // An address with two leading slashes would name a host.
    let address = format!("/{}", address.trim_start_matches('/'));
    Place { prefix: prefix.to_owned(), address, ..Place::default() }
}
