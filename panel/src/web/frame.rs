//! Frame of a page at the place where the panel is served.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, OriginalUri},
    http::{Extensions, Uri, request::Parts},
    response::Redirect,
};
use maud::Markup;

use crate::pages::{Page, Place, render};

/// Place of the page that a request names.
#[derive(Clone, Debug)]
pub(super) struct Frame(Place);

impl<S: Sync> FromRequestParts<S> for Frame {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(place_of(&parts.extensions, &parts.uri)))
    }
}

impl Frame {
    /// Returns the page in its frame.
    pub(super) fn show(&self, page: &Page) -> Markup {
        render(page, &self.0)
    }

    /// Returns a redirection to another page.
    pub(super) fn redirect(&self, path: &str) -> Redirect {
        Redirect::to(&format!("{}{path}", self.0.prefix))
    }
}

/// Returns the place of a request. The prefix is the part of the original path that the routers
/// around the panel have removed.
pub(super) fn place_of(extensions: &Extensions, uri: &Uri) -> Place {
    let original = extensions.get::<OriginalUri>().map_or(uri, |original| &original.0);
    let path = original.path();
    let prefix = path.strip_suffix(uri.path()).unwrap_or(path).trim_end_matches('/');
    let address = original.path_and_query().map_or(path, |address| address.as_str());
    // Two slashes at the start would name a host.
    let address = format!("/{}", address.trim_start_matches('/'));
    Place { prefix: prefix.to_owned(), address }
}
