//! Import of OTLP JSON.

use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::frame::Frame;
use crate::{
    otlp::{Intake, add_json},
    pages::message_page,
};

/// Imports the file of a form, or the body itself.
pub(super) async fn import(
    State(intake): State<Intake>,
    frame: Frame,
    request: Request,
) -> Response {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("multipart/form-data"));
    let body = match is_form {
        true => file(request).await,
        false => Bytes::from_request(request, &()).await.map_err(IntoResponse::into_response),
    };
    let body = match body {
        Ok(body) => body,
        Err(response) => return response,
    };
    match add_json(&intake, &body) {
        Ok(_) if is_form => frame.redirect("/traces").into_response(),
        Ok(count) => format!("{count} requests imported\n").into_response(),
        Err(error) => {
            let page = message_page("The file cannot be read", &error);
            (StatusCode::BAD_REQUEST, frame.show(&page)).into_response()
        }
    }
}

async fn file(request: Request) -> Result<Bytes, Response> {
    let mut form =
        Multipart::from_request(request, &()).await.map_err(IntoResponse::into_response)?;
    let field = form.next_field().await.map_err(IntoResponse::into_response)?;
    let missing = || (StatusCode::BAD_REQUEST, "the form has no file").into_response();
    field.ok_or_else(missing)?.bytes().await.map_err(IntoResponse::into_response)
}
