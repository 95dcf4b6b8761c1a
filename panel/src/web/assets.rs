//! Style sheet, scripts and icon.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use flate2::Compression;

use super::compress::{accepts_gzip, gzip};

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    compressed: Vec<u8>,
    tag: String,
}

macro_rules! assets {
    ($($name:literal: $kind:literal),* $(,)?) => {
        [$(Asset::new($name, $kind, include_bytes!(concat!("../../assets/", $name)))),*]
    };
}

static ASSETS: LazyLock<[Asset; 12]> = LazyLock::new(|| {
    assets![
        "panel.css": "text/css; charset=utf-8",
        "panel.svg": "image/svg+xml",
        "main.js": "text/javascript; charset=utf-8",
        "traces.js": "text/javascript; charset=utf-8",
        "complete.js": "text/javascript; charset=utf-8",
        "flame.js": "text/javascript; charset=utf-8",
        "trace.js": "text/javascript; charset=utf-8",
        "tree.js": "text/javascript; charset=utf-8",
        "draw.js": "text/javascript; charset=utf-8",
        "brush.js": "text/javascript; charset=utf-8",
        "logs.js": "text/javascript; charset=utf-8",
        "format.js": "text/javascript; charset=utf-8",
    ]
});

impl Asset {
    fn new(name: &'static str, kind: &'static str, bytes: &'static [u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        Self { name, kind, bytes, compressed: gzip(bytes, Compression::best()), tag }
    }
}

/// Serves an asset, or the status 304 if the browser has the same version.
pub(super) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let common = [
        (header::ETAG, &*asset.tag),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept-encoding"),
    ];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.contains(&asset.tag)) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let kind = [(header::CONTENT_TYPE, asset.kind)];
    match accepts_gzip(&headers) {
        true => (common, kind, [(header::CONTENT_ENCODING, "gzip")], asset.compressed.as_slice())
            .into_response(),
        false => (common, kind, asset.bytes).into_response(),
    }
}
